//! The firm itself: the organization, its staff, its seats.

pub mod organization;
pub mod seats;
pub mod staff;

#[cfg(test)]
mod organization_spec;
#[cfg(test)]
mod seats_spec;
#[cfg(test)]
mod staff_spec;
