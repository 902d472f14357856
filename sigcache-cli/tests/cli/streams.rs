//! Where the output goes: to a disk that is full, to a reader that leaves, to a program that wants JSON.

use std::{io::Read as _, process::Stdio};

use crate::support::Lab;

/// A device that has no room for anything.
#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_written_is_not_called_a_success() {
    let lab = Lab::synced(&["a"]);
    let commands = [
        &["--json", "sync"][..],
        &["sync"],
        &["--json", "status"],
        &["status"],
        &["get", "a"],
        &["completions", "bash"],
        &["--help"],
        &["keygen", "mine"],
    ];
    for command in commands {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let output = lab.command(command).stdout(full).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{command:?}: {error}");
        assert!(error.starts_with("sigcache: cannot write to standard output\n"), "{command:?}: {error}");
    }
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let lab = Lab::new();
    lab.offer("large", &[b'x'; 4 << 20]);
    lab.configure(&["large"], "");
    lab.run(&["sync"]).ends(0);
    // 141 is what the shell shows of a program that SIGPIPE ended; the document was not verified to its end.
    for (command, code, first) in [(&["get", "large"][..], 141, 1), (&["status"], 0, 0), (&["--json", "audit"], 0, 0)] {
        let mut child = lab.command(command).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut reader = child.stdout.take().unwrap();
        reader.read_exact(&mut vec![0; first]).unwrap();
        drop(reader);
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), &*output.stderr), (Some(code), &b""[..]), "{command:?}");
    }
}

#[test]
fn wrong_usage_is_json_for_who_asked_for_json() {
    let lab = Lab::with(&["a"]);
    for wrong in [&["sync", "--nonsense"][..], &["nonsense"], &["get"], &["get", "../a"], &["gc", "--keep", "x"]] {
        let error = lab.json("error", 2, wrong);
        let message = error["error"]["message"].as_str().unwrap();
        assert!(
            !message.starts_with("error") && message.contains(wrong[wrong.len() - 1]) || wrong == ["get"],
            "{message}"
        );
        let mut behind = wrong.to_vec();
        behind.push("--json");
        let ran = lab.run(&behind);
        assert_eq!((ran.code, ran.err.as_str()), (2, ""));
        assert!(lab.run(wrong).fails(2).starts_with("error: "));
    }
    assert!(lab.run(&["--json", "--help"]).ends(0).contains("Exit codes"));
}
