//! What a network address is counted under, wherever requests are counted by where they come from.

use std::net::{IpAddr, Ipv6Addr};

/// Of an IPv6 address only the network counts: its holder has all the others in it, too. Text that is no address stands
/// for itself.
pub fn counted_as(address: &str) -> String {
    match address.trim().parse::<IpAddr>() {
        Ok(IpAddr::V6(ip)) => match ip.to_ipv4_mapped() {
            Some(ip) => ip.to_string(),
            None => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).to_string(),
        },
        Ok(IpAddr::V4(ip)) => ip.to_string(),
        Err(_) => address.trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::counted_as;

    #[test]
    fn neighbours_in_one_ipv6_network_count_as_one_and_ipv4_addresses_each_on_their_own() {
        assert_eq!(counted_as("2001:db8:1:2::7"), counted_as("2001:db8:1:2:ffff::9"));
        assert_ne!(counted_as("2001:db8:1:2::7"), counted_as("2001:db8:1:3::7"));
        assert_ne!(counted_as("192.0.2.1"), counted_as("192.0.2.2"));
        assert_eq!(counted_as("::ffff:192.0.2.1"), counted_as("192.0.2.1"));
        assert_eq!(counted_as(" unknown "), "unknown");
    }
}
