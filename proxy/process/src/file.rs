//! The configuration file: the flags' names in camelCase.

use std::path::Path;

use clap::Args;
use serde::de::DeserializeOwned;

use crate::Failure;
use crate::nearest::nearest;

/// Reads `path`; a key that names nothing is refused with the one that was probably meant.
pub fn read<T: Args + DeserializeOwned + Default>(path: &Path) -> Result<T, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::new(
            format!("the configuration file {} cannot be read: {error}", path.display()),
            "Name a readable file with --config, or leave --config out.",
        )
    })?;
    parse(&text).map_err(|(what, remedy)| Failure::usage(format!("{}: {what}", path.display()), remedy))
}

fn parse<T: Args + DeserializeOwned + Default>(text: &str) -> Result<T, (String, String)> {
    let keys = known_keys::<T>();
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(T::default());
    }
    let not_a_mapping = || {
        format!("Write one setting a line, such as \"listen: 127.0.0.1:8443\"; known: {}.", keys.join(", "))
    };
    let value: serde_json::Value =
        serde_saphyr::from_str(text).map_err(|error| (first_line(&error), not_a_mapping()))?;
    let Some(map) = value.as_object() else { return Err(("this is not a mapping".into(), not_a_mapping())) };
    if let Some(key) = map.keys().find(|key| !keys.contains(key)) {
        let remedy = match nearest(key, keys.iter().map(String::as_str)) {
            Some(meant) => format!("Did you mean {meant}?"),
            None => format!("The settings are {}.", keys.join(", ")),
        };
        return Err((format!("{key} is not a setting"), remedy));
    }
    for (key, value) in map {
        let one = serde_json::Value::Object([(key.clone(), value.clone())].into_iter().collect());
        if let Err(error) = serde_json::from_value::<T>(one) {
            return Err((format!("{key}: {error}"), format!("Correct the value of {key}; see --help.")));
        }
    }
    serde_json::from_value(value).map_err(|error| (error.to_string(), not_a_mapping()))
}

/// The settings of `T` as a file names them.
pub fn known_keys<T: Args>() -> Vec<String> {
    let command = T::augment_args(clap::Command::new("settings"));
    let flags = command.get_arguments().filter_map(|argument| argument.get_long().map(camel_case));
    flags.filter(|flag| flag != "config").collect()
}

fn camel_case(flag: &str) -> String {
    let mut words = flag.split('-');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let (head, tail) = word.split_at(word.len().min(1));
        name + &head.to_uppercase() + tail
    })
}

fn first_line(error: &impl ToString) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::Sample;

    fn refused(text: &str) -> (String, String) {
        parse::<Sample>(text).unwrap_err()
    }

    #[test]
    fn an_unknown_key_names_the_nearest_one() {
        let (what, remedy) = refused("publicURL: https://p");
        assert_eq!(
            (what.as_str(), remedy.as_str()),
            ("publicURL is not a setting", "Did you mean publicUrl?")
        );
        assert!(refused("zebra: 1").1.contains("publicUrl"));
    }

    #[test]
    fn a_value_of_the_wrong_kind_names_its_key() {
        assert!(refused("listen: nonsense").0.starts_with("listen:"));
        assert!(refused("workers: many").0.starts_with("workers:"));
        assert!(refused("- a list").0.contains("mapping"));
    }

    #[test]
    fn an_empty_file_sets_nothing() {
        assert!(parse::<Sample>("# nothing yet\n\n").unwrap().workers.is_none());
    }
}
