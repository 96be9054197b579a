//! Providers over real processes, and a fleet that is killed over and over.

mod driver;
mod exec;
mod kill;
mod process;
