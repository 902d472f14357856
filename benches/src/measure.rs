//! Wall time and peak memory of a program, and what the machine is.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};

/// What a program took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    /// Wall time.
    pub(crate) seconds: f64,
    /// The most resident memory, in bytes.
    pub(crate) peak: u64,
}

/// Runs it to its end. Its peak is read from /proc while it runs; anything but success is an error.
pub(crate) fn run(command: &mut Command) -> Result<Usage> {
    let name = command.get_program().to_string_lossy().into_owned();
    let start = Instant::now();
    let mut child = command.stdin(Stdio::null()).spawn().with_context(|| format!("cannot start {name}"))?;
    let status_file = format!("/proc/{}/status", child.id());
    let ended = AtomicBool::new(false);
    let (status, seconds, peak) = thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut peak = 0;
            while !ended.load(Ordering::Relaxed) {
                // The kernel keeps the high-water mark, so only growth in the last moments can be missed.
                peak = high_water(&status_file).unwrap_or(0).max(peak);
                // Closer at first, for programs that have ended before the second look would come.
                let young = start.elapsed() < Duration::from_millis(50);
                thread::sleep(Duration::from_micros(if young { 500 } else { 5000 }));
            }
            peak
        });
        let status = child.wait();
        let seconds = start.elapsed().as_secs_f64();
        ended.store(true, Ordering::Relaxed);
        (status, seconds, watch.join().unwrap_or(0))
    });
    let status = status?;
    ensure!(status.success(), "{name} ended with {status}");
    Ok(Usage { seconds, peak })
}

fn high_water(status_file: &str) -> Option<u64> {
    let status = fs::read_to_string(status_file).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
}

/// The time of one run of `times`, and the most memory of any. For programs of milliseconds, of which one run says little.
pub(crate) fn repeated(mut command: Command, times: usize) -> Result<Usage> {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut all = Usage::default();
    for _ in 0..times {
        let usage = run(&mut command)?;
        all.seconds += usage.seconds / times as f64;
        all.peak = all.peak.max(usage.peak);
    }
    Ok(all)
}

/// Runs what only prepares, and shows what it prints if it fails.
pub(crate) fn quiet(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot start {command:?}"))?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// Time and peak of a short program, for the table.
pub(crate) fn shown((seconds, peak): (f64, u64)) -> String {
    format!("{:.1} ms, {:.1} MiB", seconds * 1000.0, in_mebibytes(peak))
}

/// For the table.
pub(crate) fn in_mebibytes(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}

/// The middle one.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Processor, cores, memory, kernel, and the file system that `folder` is on.
pub(crate) fn machine(folder: &Path) -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).map(str::to_owned).unwrap_or_default();
        line.split_once(':').map_or("unknown".to_owned(), |(_, value)| value.trim().to_owned())
    };
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let mounts = read("/proc/mounts");
    let mounts = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        let (point, kind) = (words.next()?, words.next()?);
        folder.starts_with(point).then_some((point.len(), kind))
    });
    let kind = mounts.max_by_key(|(length, _)| *length).map_or("unknown", |(_, kind)| kind).to_owned();
    format!(
        "{}, {cores} cores, memory {}, Linux {}, {kind}",
        field(&read("/proc/cpuinfo"), "model name"),
        field(&read("/proc/meminfo"), "MemTotal"),
        read("/proc/sys/kernel/osrelease").trim(),
    )
}
