//! The port that the gate takes over: the backend's, by whose name Services find the pod.

use k8s_openapi::api::core::v1::{Container, ContainerPort, Pod, PodSpec};
use tenantry_crds::Backend;

use super::gate::{ADMIN, DATA, NAME, PLAIN};
use super::refusal::Refusal;

/// The backend's port, where the pod declares it.
pub struct Served<'p> {
    /// The container's place among the pod's.
    pub container: usize,
    /// The port's place among the container's.
    pub port: usize,
    /// Its number.
    pub number: u16,
    /// Its name, if it still has it.
    pub name: Option<&'p str>,
}

/// The number of the port that the backend listens on, which has to be in the pod.
pub fn upstream(backend: &Backend) -> Result<u16, Refusal> {
    let url = &backend.spec.upstream.url;
    let port = url::Url::parse(url).ok().and_then(|url| {
        let is_local = match url.host()? {
            url::Host::Domain(name) => name == "localhost",
            url::Host::Ipv4(address) => address.is_loopback(),
            url::Host::Ipv6(address) => address.is_loopback(),
        };
        url.port_or_known_default().filter(|_| is_local)
    });
    let elsewhere = || Refusal::UpstreamElsewhere { backend: backend.name().to_owned(), url: url.clone() };
    port.ok_or_else(elsewhere)
}

/// Finds the backend's port, and that nothing else of the pod is in the gate's way.
pub fn served<'p>(pod: &'p PodSpec, backend: &Backend) -> Result<Served<'p>, Refusal> {
    let number = upstream(backend)?;
    let declared = pod.containers.iter().enumerate().flat_map(|(at, container)| {
        let all = tcp(container).filter(|(_, port)| port.container_port == i32::from(number));
        all.map(move |(place, port)| (at, container, place, port))
    });
    let declared: Vec<_> = declared.collect();
    let (container, place, port) = match declared.as_slice() {
        [] => return Err(Refusal::NoPort { port: number, backend: backend.name().to_owned() }),
        [(at, _, place, port)] => (*at, *place, *port),
        several => {
            let names: Vec<_> = several.iter().map(|(_, container, ..)| container.name.as_str()).collect();
            return Err(Refusal::PortTwice { port: number, containers: names.join(", ") });
        }
    };
    // Containers share a network: whoever else names the port opens it past the gate.
    let beside =
        sidecars(pod).find(|other| tcp(other).any(|(_, port)| port.container_port == i32::from(number)));
    if let Some(beside) = beside {
        let containers = format!("{}, {}", pod.containers[container].name, beside.name);
        return Err(Refusal::PortTwice { port: number, containers });
    }
    if port.host_port.is_some_and(|port| port != 0) {
        let container = pod.containers[container].name.clone();
        return Err(Refusal::HostPort { port: number, container });
    }
    for other in others(pod) {
        if let Some((_, port)) =
            tcp(other).find(|(_, port)| [DATA, PLAIN, ADMIN].contains(&port.container_port))
        {
            return Err(Refusal::PortTaken { port: port.container_port, container: other.name.clone() });
        }
    }
    Ok(Served { container, port: place, number, name: port.name.as_deref() })
}

/// That no other container has the name which the gate's port bears.
pub fn is_nobody_elses(name: &str, served: &Served<'_>, pod: &PodSpec) -> Result<(), Refusal> {
    let own = &pod.containers[served.container];
    let others = others(pod).filter(|other| !std::ptr::eq(*other, own));
    let other =
        others.into_iter().find(|other| tcp(other).any(|(_, port)| port.name.as_deref() == Some(name)));
    other.map_or(Ok(()), |other| {
        let (container, other) = (own.name.clone(), other.name.clone());
        Err(Refusal::SameName { name: name.to_owned(), container, other })
    })
}

/// The name that a gate which is there already has taken over.
pub fn taken_over(pod: &Pod) -> Option<&str> {
    let gate = pod.spec.as_ref()?.init_containers.as_ref()?.iter().find(|found| found.name == NAME)?;
    tcp(gate).find(|(_, port)| port.container_port == DATA)?.1.name.as_deref()
}

/// All containers but the gate that a Service can reach.
fn others(pod: &PodSpec) -> impl Iterator<Item = &Container> {
    pod.containers.iter().chain(sidecars(pod))
}

/// The sidecars but the gate.
fn sidecars(pod: &PodSpec) -> impl Iterator<Item = &Container> {
    let all = pod.init_containers.iter().flatten();
    all.filter(|container| container.restart_policy.is_some() && container.name != NAME)
}

fn tcp(container: &Container) -> impl Iterator<Item = (usize, &ContainerPort)> {
    let is_tcp = |port: &ContainerPort| port.protocol.as_deref().is_none_or(|protocol| protocol == "TCP");
    container.ports.iter().flatten().enumerate().filter(move |(_, port)| is_tcp(port))
}
