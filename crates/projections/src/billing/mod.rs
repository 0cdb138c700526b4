//! What the work costs: invoices.

pub mod invoice;
