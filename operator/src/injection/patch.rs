//! The patch that puts a gate in front of a pod's backend. Pure: the pod, its Backend and the settings go in. What stands already is not
//! added again, so that a pod which has its gate is left as it is.

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, Patch, PatchOperation, RemoveOperation, ReplaceOperation};
use k8s_openapi::api::core::v1::{Container, LifecycleHandler, Pod, PodSpec, Probe, VolumeMount};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::{Value, json};
use tenantry_crds::Backend;

use super::asked::Asked;
use super::gate::{self, For};
use super::ports::{self, Served};
use super::refusal::Refusal;
use crate::names;
use crate::settings::Gate;

#[cfg(test)]
mod tests;

/// What is done to a pod.
#[derive(Debug)]
pub struct Injection {
    /// The changes; none: it has its gate.
    pub patch: Patch,
    /// What whoever made the pod should know.
    pub warnings: Vec<String>,
}

/// Puts a gate in front of a pod's backend. `pin` has the fingerprints of the authorities that it trusts, once there are any.
pub fn inject(
    pod: &Pod,
    backend: &Backend,
    pin: Option<&str>,
    settings: &Gate,
) -> Result<Injection, Refusal> {
    let empty = PodSpec::default();
    let spec = pod.spec.as_ref().unwrap_or(&empty);
    can_be_guarded(spec, backend)?;
    let asked = Asked::by(&pod.metadata, settings)?;
    let served = ports::served(spec, backend)?;
    let name = served.name.or_else(|| ports::taken_over(pod)).unwrap_or(gate::NAME);
    ports::is_nobody_elses(name, &served, spec)?;
    let pin = pin.ok_or_else(|| Refusal::NoTrust {
        config_map: names::trust(backend.name()),
        backend: backend.name().to_owned(),
    })?;
    let has_group = spec.security_context.as_ref().is_some_and(|context| context.fs_group.is_some());
    let wanted = gate::container(&For { backend, pin, asked: &asked, has_group, port_name: name });

    let mut changes = Changes::default();
    add_container(spec, wanted, &mut changes)?;
    add_volumes(spec, backend, &mut changes)?;
    for (at, container) in spec.containers.iter().enumerate() {
        show_key_set(at, container, &mut changes)?;
    }
    for container in spec.init_containers.iter().flatten().filter(|container| container.name != gate::NAME) {
        mounts_nothing_of_the_gate(container)?;
    }
    move_name(spec, &served, name, &mut changes);
    Ok(Injection { patch: Patch(changes.0), warnings: warnings(&served, name) })
}

/// Refuses pods whose backend would be reached, or whose gate's key would be read, whatever stands in front.
fn can_be_guarded(pod: &PodSpec, backend: &Backend) -> Result<(), Refusal> {
    if pod.host_network == Some(true) {
        return Err(Refusal::HostNetwork);
    }
    for (is_set, field) in
        [(pod.share_process_namespace, "spec.shareProcessNamespace"), (pod.host_pid, "spec.hostPID")]
    {
        if is_set == Some(true) {
            return Err(Refusal::SharedProcesses { field });
        }
    }
    let selected = pod.node_selector.as_ref().and_then(|labels| labels.get("kubernetes.io/os"));
    let systems = [pod.os.as_ref().map(|system| &system.name), selected];
    if systems.into_iter().flatten().any(|system| system == "windows") {
        return Err(Refusal::Windows);
    }
    let account = pod.service_account_name.as_deref().filter(|name| !name.is_empty()).unwrap_or("default");
    if !backend.spec.gates.service_accounts.iter().any(|known| known == account) {
        return Err(Refusal::Account { account: account.to_owned(), backend: backend.name().to_owned() });
    }
    Ok(())
}

/// First among the init containers, so that what those ask of the backend's network has it too; where one is there already, it stays.
fn add_container(pod: &PodSpec, wanted: Value, changes: &mut Changes) -> Result<(), Refusal> {
    if pod.containers.iter().any(|container| container.name == gate::NAME) {
        return Err(Refusal::ForeignGate);
    }
    let there = pod.init_containers.iter().flatten().find(|container| container.name == gate::NAME);
    match (there, &pod.init_containers) {
        (Some(there), _) if gate::is_gate(&wanted, &json!(there)) => {}
        (Some(_), _) => return Err(Refusal::ForeignGate),
        (None, Some(_)) => changes.add("/spec/initContainers/0", wanted),
        (None, None) => changes.add("/spec/initContainers", json!([wanted])),
    }
    Ok(())
}

fn add_volumes(pod: &PodSpec, backend: &Backend, changes: &mut Changes) -> Result<(), Refusal> {
    let mut missing = Vec::new();
    for wanted in gate::volumes(backend) {
        let there = pod.volumes.iter().flatten().find(|volume| wanted["name"] == volume.name.as_str());
        match there {
            None => missing.push(wanted),
            Some(there) if gate::contains(&wanted, &json!(there)) => {}
            Some(there) => return Err(Refusal::ForeignVolume { name: there.name.clone() }),
        }
    }
    changes.append("/spec/volumes", pod.volumes.is_some(), missing);
    Ok(())
}

/// Mounts the key set that checks assertions into a container of the backend's.
fn show_key_set(at: usize, container: &Container, changes: &mut Changes) -> Result<(), Refusal> {
    mounts_nothing_of_the_gate(container)?;
    let mounts = container.volume_mounts.iter().flatten();
    if !mounts.into_iter().any(is_key_set) {
        let path = format!("/spec/containers/{at}/volumeMounts");
        changes.append(&path, container.volume_mounts.is_some(), vec![gate::assertion_mount()]);
    }
    Ok(())
}

fn is_key_set(mount: &VolumeMount) -> bool {
    gate::contains(&gate::assertion_mount(), &json!(mount))
}

fn mounts_nothing_of_the_gate(container: &Container) -> Result<(), Refusal> {
    let is_foreign = |mount: &&VolumeMount| {
        let below = mount.mount_path.strip_prefix(gate::ASSERTION_PATH);
        let collides = below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let is_ours = mount.name == gate::ASSERTION || gate::OWN_VOLUMES.contains(&mount.name.as_str());
        (collides || is_ours) && !is_key_set(mount)
    };
    let foreign = container.volume_mounts.iter().flatten().find(is_foreign);
    foreign.map_or(Ok(()), |mount| {
        let (volume, path) = (mount.name.clone(), mount.mount_path.clone());
        Err(Refusal::ForeignMount { container: container.name.clone(), volume, path })
    })
}

/// The port's name goes to the gate. What named it in the same container, where names are looked up, gets the number.
fn move_name(pod: &PodSpec, served: &Served<'_>, name: &str, changes: &mut Changes) {
    let path = format!("/spec/containers/{}", served.container);
    if served.name.is_some() {
        changes.remove(&format!("{path}/ports/{}/name", served.port));
    }
    let container = &pod.containers[served.container];
    let probes = [
        ("livenessProbe", &container.liveness_probe),
        ("readinessProbe", &container.readiness_probe),
        ("startupProbe", &container.startup_probe),
    ];
    let mut named = Vec::new();
    for (place, probe) in probes {
        named.extend(
            probe.iter().flat_map(by_probe).map(|(action, port)| (format!("{place}/{action}"), port)),
        );
    }
    if let Some(lifecycle) = &container.lifecycle {
        for (place, handler) in [("postStart", &lifecycle.post_start), ("preStop", &lifecycle.pre_stop)] {
            let found = handler.iter().flat_map(by_handler);
            named.extend(found.map(|(action, port)| (format!("lifecycle/{place}/{action}"), port)));
        }
    }
    for (place, port) in named {
        if matches!(port, IntOrString::String(found) if found == name) {
            changes.replace(&format!("{path}/{place}/port"), json!(served.number));
        }
    }
}

/// The ports of a probe that can be names; one of gRPC is always a number.
fn by_probe(probe: &Probe) -> impl Iterator<Item = (&'static str, &IntOrString)> {
    let http = probe.http_get.iter().map(|action| ("httpGet", &action.port));
    http.chain(probe.tcp_socket.iter().map(|action| ("tcpSocket", &action.port)))
}

fn by_handler(handler: &LifecycleHandler) -> impl Iterator<Item = (&'static str, &IntOrString)> {
    let http = handler.http_get.iter().map(|action| ("httpGet", &action.port));
    http.chain(handler.tcp_socket.iter().map(|action| ("tcpSocket", &action.port)))
}

fn warnings(served: &Served<'_>, name: &str) -> Vec<String> {
    let nameless = format!(
        "port {} has no name to move to the gate: have Services say targetPort: {name}; {} is closed to them",
        served.number, served.number
    );
    if name == gate::NAME { vec![nameless] } else { Vec::new() }
}

/// Changes in the order in which they are made. None of them moves what a later one is about.
#[derive(Default)]
struct Changes(Vec<PatchOperation>);

impl Changes {
    fn add(&mut self, path: &str, value: Value) {
        self.0.push(PatchOperation::Add(AddOperation { path: pointer(path), value }));
    }

    fn replace(&mut self, path: &str, value: Value) {
        self.0.push(PatchOperation::Replace(ReplaceOperation { path: pointer(path), value }));
    }

    fn remove(&mut self, path: &str) {
        self.0.push(PatchOperation::Remove(RemoveOperation { path: pointer(path) }));
    }

    /// Adds to the end of a list that may not be there.
    fn append(&mut self, list: &str, is_there: bool, items: Vec<Value>) {
        if items.is_empty() {
            return;
        }
        if !is_there {
            return self.add(list, Value::Array(items));
        }
        for item in items {
            self.add(&format!("{list}/-"), item);
        }
    }
}

/// None of the names in our paths has a letter that a pointer would write otherwise.
fn pointer(path: &str) -> PointerBuf {
    PointerBuf::from_tokens(path.split('/').skip(1))
}
