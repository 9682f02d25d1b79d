//! `TENANTRY_…` variables are read with the flags; here the misspelled ones are refused.

use std::ffi::OsString;

use clap::Args;

use crate::Failure;
use crate::nearest::nearest;

const PREFIX: &str = "TENANTRY_";

/// Refuses a variable that starts like ours and names no setting of `T`.
pub fn refuse_unknown<T: Args>(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<(), Failure> {
    let command = T::augment_args(clap::Command::new("settings"));
    let known: Vec<&str> =
        command.get_arguments().filter_map(|argument| argument.get_env()?.to_str()).collect();
    for (name, value) in variables {
        let (Some(name), value) = (name.to_str(), value.to_string_lossy()) else { continue };
        if !name.starts_with(PREFIX) || known.contains(&name) || is_service_link(name, &value) {
            continue;
        }
        let remedy = match nearest(name, known.iter().copied()) {
            Some(meant) => format!("Did you mean {meant}? Rename it, or unset {name}."),
            None => format!("Unset it; the variables that exist are {}.", known.join(", ")),
        };
        return Err(Failure::usage(format!("the environment variable {name} is not a setting"), remedy));
    }
    Ok(())
}

/// Kubernetes adds variables for every Service in the namespace; one named `tenantry` must not stop a start.
fn is_service_link(name: &str, value: &str) -> bool {
    name.contains("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.contains("_PORT_")
        || value.starts_with("tcp://")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::Sample;

    fn check(name: &str, value: &str) -> Result<(), Failure> {
        refuse_unknown::<Sample>([(name.into(), value.into())])
    }

    #[test]
    fn a_misspelled_variable_names_the_one_that_was_meant() {
        let failure = check("TENANTRY_PUBLICURL", "https://x.example").unwrap_err().to_string();
        assert!(failure.contains("Did you mean TENANTRY_PUBLIC_URL?"), "{failure}");
    }

    #[test]
    fn known_foreign_and_service_link_variables_pass() {
        assert_eq!(check("TENANTRY_DATA", "x"), Ok(()));
        assert_eq!(check("HOME", "/root"), Ok(()));
        assert_eq!(check("TENANTRY_PORT", "tcp://10.0.0.1:443"), Ok(()));
        assert_eq!(check("TENANTRY_SERVICE_HOST", "10.0.0.1"), Ok(()));
    }
}
