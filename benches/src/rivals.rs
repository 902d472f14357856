//! The same jobs with what everybody has: curl and openssl, and Python.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};

use crate::measure::{self, Usage};

const SCRIPTS: &[(&str, &str)] = &[
    ("one.sh", include_str!("../rivals/one.sh")),
    ("big.sh", include_str!("../rivals/big.sh")),
    ("check.sh", include_str!("../rivals/check.sh")),
    ("s3.sh", include_str!("../rivals/s3.sh")),
    ("mixed.sh", include_str!("../rivals/mixed.sh")),
    ("job.py", include_str!("../rivals/job.py")),
    ("requirements.txt", include_str!("../rivals/requirements.txt")),
];

/// The scripts, and the Python that runs one of them, if it could be set up.
pub(crate) struct Rivals {
    folder: PathBuf,
    python: Option<PathBuf>,
}

/// What a script works on.
pub(crate) struct Job<'a> {
    pub(crate) base: &'a str,
    pub(crate) key: &'a Path,
    /// Where its files go; emptied before it starts.
    pub(crate) folder: &'a Path,
}

impl Rivals {
    /// Writes the scripts to `folder`.
    pub(crate) fn new(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        for (name, text) in SCRIPTS {
            fs::write(folder.join(name), text)?;
        }
        Ok(Self { folder: folder.to_owned(), python: None })
    }

    /// Sets up Python with pinned packages. Where that cannot be, says so and goes on without.
    pub(crate) fn with_python(mut self) -> Self {
        match self.install() {
            Ok(python) => self.python = Some(python),
            Err(error) => println!("SKIPPED: the scripts that need Python: {error:#}"),
        }
        self
    }

    fn install(&self) -> Result<PathBuf> {
        let venv = self.folder.join("venv");
        let python = venv.join("bin/python");
        let requirements = self.folder.join("requirements.txt");
        let quiet = |command: &mut Command| -> Result<()> {
            let output = command.stdin(Stdio::null()).output()?;
            ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Ok(())
        };
        if !python.is_file() {
            quiet(Command::new("python3").args(["-m", "venv"]).arg(&venv)).context("no Python environment")?;
        }
        let mut install = Command::new(&python);
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]).arg(requirements);
        quiet(&mut install).context("its packages cannot be installed")?;
        Ok(python)
    }

    /// curl and openssl for each resource, four at once.
    pub(crate) fn shell(&self, job: &Job<'_>, names: &Path) -> Result<f64> {
        Ok(measure::run(job.pass(&mut self.xargs("one.sh", names)))?.seconds)
    }

    /// curl and the tool of each format for each resource, four at once; the key is a folder of keys.
    pub(crate) fn mixed(&self, job: &Job<'_>, names: &Path) -> Result<f64> {
        Ok(measure::run(job.pass(&mut self.xargs("mixed.sh", names)))?.seconds)
    }

    /// openssl for each file in a folder, four at once.
    pub(crate) fn check(&self, key: &Path, folder: &Path, names: &Path) -> Result<f64> {
        Ok(measure::run(self.xargs("check.sh", names).arg(key).arg(folder))?.seconds)
    }

    /// curl, openssl and s3cmd for each resource, four at once; `None` where Python could not be set up.
    pub(crate) fn s3cmd(&self, job: &Job<'_>, server: &str, names: &Path) -> Result<Option<f64>> {
        let Some(python) = &self.python else { return Ok(None) };
        let mut command = self.xargs("s3.sh", names);
        command.env("S3CMD", python.with_file_name("s3cmd")).env("S3_HOST", server);
        Ok(Some(measure::run(job.pass(&mut command))?.seconds))
    }

    fn xargs(&self, script: &str, names: &Path) -> Command {
        let mut command = Command::new("xargs");
        command.arg("-a").arg(names).args(["-P4", "-n1", "sh"]).arg(self.folder.join(script));
        command
    }

    /// httpx and cryptography, 64 at once; `None` where Python could not be set up.
    pub(crate) fn asyncio(&self, job: &Job<'_>, names: &Path) -> Result<Option<f64>> {
        let Some(python) = &self.python else { return Ok(None) };
        let mut command = Command::new(python);
        job.pass(command.arg(self.folder.join("job.py"))).arg(names);
        Ok(Some(measure::run(&mut command)?.seconds))
    }

    /// One large object through a pipe.
    pub(crate) fn pipe(&self, job: &Job<'_>, name: &str) -> Result<Usage> {
        let mut command = Command::new("bash");
        job.pass(command.arg(self.folder.join("big.sh"))).arg(name);
        measure::run(&mut command)
    }
}

impl Job<'_> {
    fn pass<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.arg(self.base).arg(self.key).arg(self.folder)
    }
}
