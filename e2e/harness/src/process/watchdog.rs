//! The shell script that outlives the test by as long as it takes to clean up.

use super::{PartError, wait_until};
use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Write as _},
    os::unix::{
        fs::{OpenOptionsExt as _, PermissionsExt},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tempfile::TempDir;

const SCRIPT: &str = include_str!("watchdog.sh");
/// More of a log than this tells nobody anything.
const LOG_LINES: usize = 40;

/// A temporary folder and the programs that work in it. All of it goes on drop, or when the test process dies in
/// whatever way: what holds the programs is the pipe between it and a watchdog.
#[derive(Debug)]
pub struct Watchdog {
    child: Child,
    pipes: Mutex<Option<(ChildStdin, BufReader<ChildStdout>)>>,
    folder: TempDir,
}

impl Watchdog {
    /// An empty folder, named after `prefix`, with no program yet.
    pub fn new(prefix: &str) -> Result<Self, PartError> {
        let folder = tempfile::Builder::new()
            .prefix(prefix)
            // Keys and passwords are among what is written there.
            .permissions(std::fs::Permissions::from_mode(0o700))
            .tempdir()
            .map_err(PartError::io(std::env::temp_dir()))?;
        let mut child = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "tenantry-watchdog"])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(PartError::io("/bin/sh"))?;
        let pipes = child.stdin.take().zip(child.stdout.take().map(BufReader::new));
        Ok(Self { child, pipes: Mutex::new(pipes), folder })
    }

    /// The folder: the programs' working directory, for their files too.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A file of the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// Writes a file of the folder.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> Result<PathBuf, PartError> {
        let path = self.file(name);
        std::fs::write(&path, content).map_err(PartError::io(&path))?;
        Ok(path)
    }

    /// As [`Watchdog::write`], for its owner alone: mode 0600 from the first byte on.
    pub fn write_private(&self, name: &str, content: impl AsRef<[u8]>) -> Result<PathBuf, PartError> {
        let path = self.file(name);
        let mut options = std::fs::OpenOptions::new();
        let opened = options.write(true).create(true).truncate(true).mode(0o600).open(&path);
        opened.and_then(|mut file| file.write_all(content.as_ref())).map_err(PartError::io(&path))?;
        Ok(path)
    }

    /// Starts `command` as the program `name` (letters and digits, a letter first); it writes to `<name>.log` in the folder. The command's
    /// program, arguments and changed environment count.
    pub fn start(&self, name: &str, command: &Command) -> Result<(), PartError> {
        // It becomes part of a variable's name in a shell.
        if !name.starts_with(|first: char| first.is_ascii_alphabetic())
            || !name.bytes().all(|byte| byte.is_ascii_alphanumeric())
        {
            return Err(PartError::Refused(format!("{name:?} is no name of a program")));
        }
        self.write(&format!("{name}.run"), script(command))?;
        self.start_again(name)
    }

    /// Starts a program as it was started before.
    pub fn start_again(&self, name: &str) -> Result<(), PartError> {
        self.order(&format!("start {name}")).map(drop)
    }

    /// Sends `signal` (`TERM`, `KILL`) to the program and its children, and waits for its end; what is still there
    /// after 20 s, or after the program's own end, is killed.
    pub fn stop(&self, name: &str, signal: &str) -> Result<(), PartError> {
        self.order(&format!("stop {name} {signal}")).map(drop)
    }

    /// Sends `signal` (`STOP`, `CONT`) to the program and its children, and does not wait.
    pub fn signal(&self, name: &str, signal: &str) -> Result<(), PartError> {
        match self.order(&format!("signal {name} {signal}"))?.as_str() {
            "sent" => Ok(()),
            _ => Err(PartError::Refused(format!("{name} does not run"))),
        }
    }

    /// Whether the program runs.
    pub fn is_alive(&self, name: &str) -> Result<bool, PartError> {
        Ok(self.order(&format!("alive {name}"))? == "yes")
    }

    /// The end of a program's log.
    pub fn log(&self, name: &str) -> String {
        let log = self.whole_log(name);
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }

    /// Everything that a program said.
    pub fn whole_log(&self, name: &str) -> String {
        let log = std::fs::read(self.file(&format!("{name}.log"))).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// Waits until `ready`, for at most `limit` and only while the program lives; else tells the end of its log.
    pub fn wait_for(
        &self,
        name: &str,
        limit: Duration,
        mut ready: impl FnMut() -> bool,
    ) -> Result<(), PartError> {
        let mut alive = Ok(true);
        let came = wait_until(limit, || {
            alive = self.is_alive(name);
            !matches!(alive, Ok(true)) || ready()
        });
        if came && alive? {
            return Ok(());
        }
        Err(PartError::DidNotStart { name: name.to_owned(), log: self.log(name) })
    }

    fn order(&self, order: &str) -> Result<String, PartError> {
        let mut pipes = self.pipes.lock().unwrap_or_else(PoisonError::into_inner);
        let (stdin, stdout) =
            pipes.as_mut().ok_or_else(|| PartError::Refused("the watchdog is gone".to_owned()))?;
        let mut answer = String::new();
        writeln!(stdin, "{order}")
            .and_then(|()| stdout.read_line(&mut answer))
            .map_err(PartError::io("watchdog"))?;
        Ok(answer.trim_end().to_owned())
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.pipes.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let Err(error) = self.child.wait() {
            note(&error);
        }
    }
}

#[allow(clippy::print_stderr, reason = "a test's only log")]
fn note(error: &std::io::Error) {
    eprintln!("waiting for a test's programs to stop failed: {error}");
}

/// `command` as a script that becomes it.
fn script(command: &Command) -> String {
    let quote = |word: &std::ffi::OsStr| format!("'{}'", word.to_string_lossy().replace('\'', r"'\''"));
    let mut script = String::new();
    for (name, value) in command.get_envs() {
        let name = name.to_string_lossy();
        // Writing to a string cannot fail.
        _ = match value {
            Some(value) => writeln!(script, "export {name}={}", quote(value)),
            None => writeln!(script, "unset {name}"),
        };
    }
    let words: Vec<_> = std::iter::once(command.get_program()).chain(command.get_args()).map(quote).collect();
    script + "exec " + &words.join(" ") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(code: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", code]);
        command
    }

    #[test]
    fn words_and_environment_arrive_as_they_were_given() {
        let watchdog = Watchdog::new("tenantry-watchdog-test-").unwrap();
        let mut command = shell(r#"printf '%s|' "$ONE" "${HOME:-none}" "$@""#);
        command.args(["self", "it's", "$two  three", ""]).env("ONE", "a 'b'").env_remove("HOME");
        watchdog.start("words", &command).unwrap();
        assert!(wait_until(Duration::from_secs(5), || !watchdog.log("words").is_empty()));
        assert_eq!(watchdog.log("words"), "a 'b'|none|it's|$two  three||");
    }

    #[test]
    fn a_program_that_ends_by_itself_is_told_with_its_log() {
        let watchdog = Watchdog::new("tenantry-watchdog-test-").unwrap();
        watchdog.start("short", &shell("echo no such luck >&2; exit 3")).unwrap();
        let error = watchdog.wait_for("short", Duration::from_secs(5), || false).unwrap_err();
        assert_eq!(error.to_string(), "short did not start:\nno such luck");
    }

    #[test]
    fn a_program_stops_with_its_children_and_starts_again() {
        let watchdog = Watchdog::new("tenantry-watchdog-test-").unwrap();
        watchdog.start("parent", &shell("sleep 60 & echo $!; wait")).unwrap();
        let mut child = String::new();
        assert!(wait_until(Duration::from_secs(5), || {
            child = watchdog.log("parent");
            !child.is_empty()
        }));
        watchdog.stop("parent", "KILL").unwrap();
        assert!(!watchdog.is_alive("parent").unwrap());
        let gone =
            || std::fs::read_to_string(format!("/proc/{child}/stat")).map_or(true, |s| s.contains(") Z "));
        assert!(wait_until(Duration::from_secs(5), gone), "{child}");
        watchdog.start_again("parent").unwrap();
        assert!(watchdog.is_alive("parent").unwrap());
    }

    #[test]
    fn a_program_that_was_stopped_goes_on_where_it_was() {
        let watchdog = Watchdog::new("tenantry-watchdog-test-").unwrap();
        watchdog.start("ticker", &shell("while :; do echo tick; sleep 0.05; done")).unwrap();
        let ticks = || std::fs::metadata(watchdog.file("ticker.log")).map_or(0, |log| log.len());
        assert!(wait_until(Duration::from_secs(5), || ticks() > 0));
        watchdog.signal("ticker", "STOP").unwrap();
        std::thread::sleep(Duration::from_millis(200));
        let before = ticks();
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(ticks(), before);
        watchdog.signal("ticker", "CONT").unwrap();
        assert!(wait_until(Duration::from_secs(5), || ticks() > before));
        assert!(watchdog.signal("nobody", "STOP").is_err());
    }

    #[test]
    fn the_folder_is_its_owners_and_nothing_is_left_after_drop() {
        let watchdog = Watchdog::new("tenantry-watchdog-test-").unwrap();
        let folder = watchdog.folder().to_owned();
        assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        watchdog.start("sleeper", &shell("echo $$; exec sleep 60")).unwrap();
        assert!(wait_until(Duration::from_secs(5), || !watchdog.log("sleeper").is_empty()));
        let process = format!("/proc/{}", watchdog.log("sleeper"));
        drop(watchdog);
        assert!(!folder.exists());
        assert!(!Path::new(&process).exists());
    }
}
