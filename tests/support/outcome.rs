//! What came of a run, and what was expected of it.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

/// What came of a run.
pub struct Outcome {
    pub(super) status: Option<ExitStatus>,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// All that its terminal showed.
    pub screen: String,
    pub(super) about: String,
}

impl Outcome {
    #[track_caller]
    fn claim(&self, holds: bool, what: &str) -> &Outcome {
        assert!(holds, "{what}\n{self}");
        self
    }

    /// It ended by itself, with this status.
    #[track_caller]
    pub fn status(&self, wanted: i32) -> &Outcome {
        self.claim(self.code() == Some(wanted), &format!("expected exit status {wanted}"))
    }

    pub fn code(&self) -> Option<i32> {
        self.status.and_then(|status| status.code())
    }

    pub fn killed_by(&self) -> Option<i32> {
        self.status.and_then(|status| status.signal())
    }

    /// All of its standard output.
    #[track_caller]
    pub fn stdout(&self, wanted: impl AsRef<[u8]>) -> &Outcome {
        let wanted = wanted.as_ref();
        self.claim(self.stdout == wanted, &format!("expected on stdout:\n{}", String::from_utf8_lossy(wanted)))
    }

    /// All of its standard error.
    #[track_caller]
    pub fn stderr(&self, wanted: impl AsRef<[u8]>) -> &Outcome {
        let wanted = wanted.as_ref();
        self.claim(self.stderr == wanted, &format!("expected on stderr:\n{}", String::from_utf8_lossy(wanted)))
    }

    /// A container that started, ran a command which succeeded, and had nothing to say itself.
    #[track_caller]
    pub fn prints(&self, wanted: impl AsRef<[u8]>) -> &Outcome {
        self.stderr("").stdout(wanted).status(0)
    }

    /// Its standard output as text, of a run that went well.
    #[track_caller]
    pub fn text(&self) -> String {
        self.status(0).stderr("");
        String::from_utf8(self.stdout.clone()).unwrap()
    }

    /// Its standard error as text.
    pub fn complaint(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// No container was started: this exit status, nothing on stdout, and this line and maybe hints on stderr.
    #[track_caller]
    pub fn refuses(&self, status: i32, line: &str) -> &Outcome {
        self.status(status).stdout("");
        let complaint = self.complaint();
        let mut lines = complaint.lines();
        self.claim(lines.next() == Some(line), &format!("expected on stderr:\n{line}"));
        self.claim(lines.all(|line| line.starts_with("hint: ")), "expected only hints after the first line")
    }

    /// One of the hints has this text in it.
    #[track_caller]
    pub fn hints(&self, text: &str) -> &Outcome {
        let complaint = self.complaint();
        let found = complaint.lines().any(|line| line.starts_with("hint: ") && line.contains(text));
        self.claim(found, &format!("expected a hint with: {text}"))
    }

    #[track_caller]
    pub fn no_hints(&self) -> &Outcome {
        self.claim(!self.complaint().contains("hint: "), "expected no hint")
    }

    /// Something else that must hold, said in words.
    #[track_caller]
    pub fn that(&self, what: &str, holds: bool) -> &Outcome {
        self.claim(holds, what)
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, to: &mut std::fmt::Formatter) -> std::fmt::Result {
        writeln!(to, "run:  {}", self.about)?;
        match self.status {
            Some(status) => writeln!(to, "came: {status}")?,
            None => writeln!(to, "came: no end")?,
        }
        for (name, bytes) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            writeln!(to, "--- {name}\n{}", String::from_utf8_lossy(bytes))?;
        }
        if !self.screen.is_empty() {
            writeln!(to, "--- screen\n{}", self.screen.escape_debug().to_string().replace("\\r\\n", "\n"))?;
        }
        Ok(())
    }
}
