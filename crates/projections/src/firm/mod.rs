//! The firm itself: its plan, its settings, its staff.

pub mod organization;
pub mod staff;
