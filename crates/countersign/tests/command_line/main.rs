//! The command line, as people and programs use it: the program is run over a fresh database, and what it prints is read.

mod auditing;
mod importing;
mod installation;
mod real_logs;
