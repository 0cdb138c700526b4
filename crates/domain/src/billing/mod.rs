//! What the work costs: invoices and their numbers.

pub mod content;
pub mod invoice;
pub mod line;
pub mod number;
pub mod number_series;

#[cfg(test)]
mod invoice_approval_spec;
#[cfg(test)]
mod invoice_spec;
#[cfg(test)]
mod number_series_spec;
