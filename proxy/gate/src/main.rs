//! `tenantry-gate`: the data plane as a program of its own, beside the backend, with the authority elsewhere.

mod program;

use std::process::ExitCode;

fn main() -> ExitCode {
    program::main()
}
