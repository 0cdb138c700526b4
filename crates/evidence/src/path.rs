//! The way from a place at the bottom of a tree up to its root: what both kinds of proof are checked along.

/// Where a step upward finds its sibling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sibling {
    /// To the left.
    Left,
    /// To the right.
    Right,
}

/// The steps from a node up to the root, as RFC 9162 (sections 2.1.3.2 and 2.1.4.2) counts them.
#[derive(Debug)]
pub(crate) struct Ascent {
    /// Our place in the row that we are in, and the last place of that row.
    place: u64,
    last: u64,
}

impl Ascent {
    /// From a place in the bottom row.
    pub(crate) fn from(place: u64, last: u64) -> Self {
        Self { place, last }
    }

    /// From the highest node that ends with this place: the lower ones are the right halves of those above them.
    pub(crate) fn from_highest(place: u64, last: u64) -> Self {
        let rows = place.trailing_ones();
        Self { place: place >> rows, last: last >> rows }
    }
}

impl Iterator for Ascent {
    type Item = Sibling;

    fn next(&mut self) -> Option<Sibling> {
        if self.last == 0 {
            return None;
        }
        let is_right = self.place & 1 == 1;
        // The last place of a row may have no sibling there; then it moves up alone until it has one.
        let alone = if !is_right && self.place == self.last { self.place.trailing_zeros() } else { 0 };
        self.place = self.place >> alone >> 1;
        self.last = self.last >> alone >> 1;
        Some(if is_right || alone > 0 { Sibling::Left } else { Sibling::Right })
    }
}
