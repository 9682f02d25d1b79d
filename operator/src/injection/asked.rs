//! What the annotations of a pod ask for its gate, over the operator's settings.

use kube::api::ObjectMeta;
use tracing_subscriber::EnvFilter;

use super::quantity::is_quantity;
use super::refusal::Refusal;
use crate::marks;
use crate::names::annotation;
use crate::settings::{Gate, PullPolicy, Resources};

/// What a gate is made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Its image.
    pub image: String,
    /// When that is pulled.
    pub pull: PullPolicy,
    /// What it asks for and may use.
    pub resources: Resources,
    /// What it logs, where somebody says so.
    pub log: Option<String>,
}

impl Asked {
    /// By the annotations of a pod, and what they say nothing of by the settings.
    pub fn by(pod: &ObjectMeta, gate: &Gate) -> Result<Self, Refusal> {
        let mut asked = Self {
            image: gate.image.clone(),
            pull: gate.image_pull_policy,
            resources: gate.resources.clone(),
            log: None,
        };
        let text =
            |name: &'static str, is_good: fn(&str) -> bool, remedy: &'static str| match marks::annotation(
                pod, name,
            ) {
                Some(value) if !is_good(value) => {
                    Err(Refusal::Annotation { name, value: value.to_owned(), remedy })
                }
                found => Ok(found.map(str::to_owned)),
            };
        if let Some(image) = text(
            annotation::GATE_IMAGE,
            is_image,
            "write an image, such as registry.example.com/tenantry-gate:0.1.0",
        )? {
            asked.image = image;
        }
        asked.log = text(
            annotation::GATE_LOG,
            is_filter,
            "write a level such as debug, or directives such as info,tenantry_gate=debug",
        )?;
        let requests = [(annotation::GATE_CPU_REQUEST, "cpu"), (annotation::GATE_MEMORY_REQUEST, "memory")];
        let limits = [(annotation::GATE_CPU_LIMIT, "cpu"), (annotation::GATE_MEMORY_LIMIT, "memory")];
        for (amounts, names) in
            [(&mut asked.resources.requests, requests), (&mut asked.resources.limits, limits)]
        {
            for (name, kind) in names {
                if let Some(amount) = text(name, is_quantity, "write an amount such as 50m or 64Mi")? {
                    amounts.insert(kind.to_owned(), amount);
                }
            }
        }
        Ok(asked)
    }
}

fn is_image(text: &str) -> bool {
    (1..=512).contains(&text.len()) && text.chars().all(|letter| letter.is_ascii_graphic())
}

fn is_filter(text: &str) -> bool {
    !text.trim().is_empty() && EnvFilter::try_new(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Gate {
        let resources = Resources { requests: [("cpu".into(), "50m".into())].into(), limits: [].into() };
        Gate { image: "gate:1".into(), image_pull_policy: PullPolicy::Always, resources }
    }

    fn asked(annotations: &[(&str, &str)]) -> Result<Asked, Refusal> {
        let all = annotations.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Asked::by(&ObjectMeta { annotations: Some(all.collect()), ..ObjectMeta::default() }, &settings())
    }

    #[test]
    fn what_no_annotation_says_is_as_the_settings_have_it() {
        let plain = asked(&[]).unwrap();
        assert_eq!((plain.image.as_str(), plain.pull, plain.log), ("gate:1", PullPolicy::Always, None));
        assert_eq!(plain.resources, settings().resources);
        let own = asked(&[
            (annotation::GATE_IMAGE, "other:2"),
            (annotation::GATE_LOG, "info,tenantry_gate=debug"),
            (annotation::GATE_MEMORY_REQUEST, "64Mi"),
            (annotation::GATE_CPU_LIMIT, "1"),
        ]);
        let own = own.unwrap();
        assert_eq!((own.image.as_str(), own.log.as_deref()), ("other:2", Some("info,tenantry_gate=debug")));
        assert_eq!(own.resources.requests["cpu"], "50m");
        assert_eq!(
            (own.resources.requests["memory"].as_str(), own.resources.limits["cpu"].as_str()),
            ("64Mi", "1")
        );
    }

    #[test]
    fn an_annotation_that_cannot_be_used_is_refused_by_its_name() {
        for (name, value) in [
            (annotation::GATE_IMAGE, "two words"),
            (annotation::GATE_IMAGE, ""),
            (annotation::GATE_LOG, "tenantry_gate=loudly"),
            (annotation::GATE_CPU_REQUEST, "much"),
            (annotation::GATE_MEMORY_LIMIT, "64MiB"),
        ] {
            let said = asked(&[(name, value)]).unwrap_err().to_string();
            assert!(said.starts_with(&format!("the annotation {name} is {value:?}: write ")), "{said}");
        }
    }
}
