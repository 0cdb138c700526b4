//! Values with one door each: after `parse` nobody checks again.

mod day;
mod email;
mod hours;
mod money;
mod ordered_hours;
mod percent;
mod text;
mod timestamp;

pub use day::{Day, NotADay};
pub use email::{Email, NotAnEmail};
pub use hours::{Hours, NotHours};
pub use money::{Currency, Money, MoneyError};
pub use ordered_hours::{NotOrderedHours, OrderedHours};
pub use percent::{NotAPercent, Percent};
pub use text::{Label, Locale, Note, Slug, TextError, TimeZone};
pub use timestamp::{NotATimestamp, Timestamp};
