//! The `tenantry-proxy` binary; everything is in its library.

use std::process::ExitCode;

fn main() -> ExitCode {
    tenantry_proxy::main()
}
