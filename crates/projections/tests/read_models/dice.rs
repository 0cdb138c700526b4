//! Chance that can be repeated: the same seed, the same history.

/// A generator of the splitmix64 kind.
pub struct Dice(u64);

impl Dice {
    pub fn of(seed: u64) -> Self {
        // Neighbouring seeds must not be one sequence, shifted.
        let mut first = Self(seed);
        Self(first.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to one less than this.
    pub fn below(&mut self, sides: usize) -> usize {
        (self.next() % sides as u64) as usize
    }

    pub fn one_in(&mut self, sides: usize) -> bool {
        self.below(sides) == 0
    }

    pub fn bytes(&mut self) -> [u8; 16] {
        let (one, other) = (self.next(), self.next());
        (u128::from(one) << 64 | u128::from(other)).to_be_bytes()
    }
}
