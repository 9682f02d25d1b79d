//! The life of the gate: started, told when its certificate was renewed, drained at a signal.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use rustix::process::{Pid, Signal, kill_process};
use tenantry_gate::{
    AuthorityEndpoint, Credential, Gate, GateClock, GateConfig, RemoteDirectory, Running, TlsSource, Trust,
};
use tenantry_process::{Failure, Signals, Watched, logs};

use super::listener::Listener;
use super::settings::Settings;

/// Tells the gate of a process to leave.
pub(super) fn leave(process: i32) -> Result<(), Failure> {
    let found = Pid::from_raw(process).filter(|_| process > 0);
    let process = found.ok_or_else(|| {
        Failure::usage(format!("{process} is no process"), "Give the number of a running gate.")
    })?;
    kill_process(process, Signal::USR1).map_err(|error| {
        let number = process.as_raw_nonzero();
        Failure::new(
            format!("the process {number} cannot be told: {error}"),
            "Is it a running gate of yours?",
        )
    })
}

/// Serves until SIGINT or SIGTERM.
pub(super) fn run(settings: &Settings) -> Result<(), Failure> {
    logs::install(settings.log_format, &settings.log)?;
    // Traffic and the directory have threads of their own.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        Failure::new(format!("no threads can be started: {error}"), "Raise the limit of processes.")
    })?;
    runtime.block_on(serve(settings))
}

async fn serve(settings: &Settings) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    let gate = start(settings)?;
    greet(settings, &gate);
    let mut certificate = Watched::new(vec![settings.tls_cert.clone(), settings.tls_key.clone()]);
    loop {
        tokio::select! {
            ends = signals.ends_or_leaves() => if ends { break } else {
                tracing::info!("leaving: clients are sent elsewhere");
                gate.leave();
            },
            () = certificate.changed() => match gate.reload_tls() {
                Ok(()) => tracing::info!("the certificate changed; new connections get the new one"),
                Err(error) => tracing::error!(%error, "the changed certificate cannot be used; the old one serves on"),
            },
        }
    }
    tracing::info!("stopping: requests in flight have {} s", settings.drain.as_secs());
    tokio::select! {
        drained = gate.drain(settings.drain) => if drained.cut > 0 {
            tracing::warn!(connections = drained.cut, "cut what had not ended in time");
        },
        () = signals.interrupted() => tracing::warn!("stopped at once"),
    }
    Ok(())
}

/// Whatever stands in the way is a sentence; an authority that is away does not.
fn start(settings: &Settings) -> Result<Running, Failure> {
    let trust = settings.authority_ca.as_ref().map(|bundle| Trust::open(bundle, settings.pins.clone()));
    let trust = trust.transpose().map_err(|error| Failure::to_mend(&error))?;
    let credential = Credential::file(&settings.token_file).map_err(|error| Failure::to_mend(&error))?;
    let endpoint = |listener: &Listener| AuthorityEndpoint {
        address: listener.address.clone(),
        tls: trust.clone().filter(|_| listener.tls),
        credential: credential.clone(),
    };
    let config = GateConfig {
        listen: vec![settings.listen],
        plain: existing(&settings.plain),
        admin: Some(settings.admin),
        tls: TlsSource::Files { certificate: settings.tls_cert.clone(), key: settings.tls_key.clone() },
        workers: settings.workers,
        authority: endpoint(&settings.authority),
        directory: Arc::new(RemoteDirectory::new(endpoint(&settings.directory))),
        assertion_folder: settings.assertion_dir.clone(),
        clock: GateClock::system(),
    };
    Gate::start(config).map_err(|error| Failure::to_mend(&error))
}

/// Of several addresses those that this machine has: the same setting serves pods with and without IPv6.
fn existing(plain: &[SocketAddr]) -> Vec<SocketAddr> {
    let exists = |address: &SocketAddr| TcpListener::bind(SocketAddr::new(address.ip(), 0)).is_ok();
    let (here, absent): (Vec<_>, Vec<_>) = plain.iter().copied().partition(exists);
    if here.is_empty() {
        return plain.to_vec();
    }
    for address in absent {
        tracing::warn!(%address, "this machine has no such address; nothing is served there");
    }
    here
}

/// Says where it listens and whom it follows.
fn greet(settings: &Settings, gate: &Running) {
    let addresses = gate.addresses();
    tracing::info!(
        tls = ?addresses.tls,
        plain = ?addresses.plain,
        admin = addresses.admin.map(tracing::field::display),
        authority = settings.authority.address,
        directory = settings.directory.address,
        "serving; until the directory has been read everything answers 503"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_plain_listeners_one_that_this_machine_lacks_is_left_out() {
        let (here, elsewhere) = ("127.0.0.1:8442".parse().unwrap(), "192.0.2.1:8442".parse().unwrap());
        assert_eq!(existing(&[here, elsewhere]), [here]);
        assert_eq!(existing(&[elsewhere]), [elsewhere], "the start says why it cannot be");
        assert!(existing(&[]).is_empty());
    }
}
