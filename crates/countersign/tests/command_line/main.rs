//! The command line, as people and programs use it: the program is run over a fresh database, and what it prints is read.

#![expect(clippy::unwrap_used, reason = "the helpers of these stories are tests too, which the lint cannot see")]

mod auditing;
mod importing;
mod installation;
mod real_logs;
mod rebuilding;
mod setting_up;
