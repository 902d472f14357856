//! What `[[alert]]` may say, and what is said about its mistakes. The URL of a webhook is never shown.

#![cfg(all(feature = "alerts", feature = "config"))]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{path::Path, time::Duration};

use sigcache_core::config::{Config, ConfigError};

/// Ten lines; what is added begins at line 10.
const HEAD: &str = "[store]
url = \"memory:\"
[keys.root]
pem = \"\"\"-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEQQeIa/WPaM9xv9j3JHZQ3IfmRUsx
0xSEKKHNKyFkUEd/WoCNR1tq1p9C6LGiwAthU3d6hE+UWTgcQVXdOp5+5w==
-----END PUBLIC KEY-----\"\"\"
[[resource]]
name = \"a\"
urls = [\"https://a.example/a\"]
verify = { format = \"detached\", suffix = \".sig\", keys = [\"root\"] }
";

fn parse(text: &str) -> Result<Config, ConfigError> {
    let env = |name: &str| match name {
        "WEBHOOK" => Some("https://hooks.example/hunter2?key=hunter2\n".to_owned()),
        "HTTP" => Some("http://hooks.example/hunter2".to_owned()),
        "NONSENSE" => Some("hunter2 hunter2".to_owned()),
        _ => None,
    };
    Config::parse(&format!("{HEAD}{text}"), "c.toml", Path::new("/folder"), &env)
}

#[track_caller]
fn refused(text: &str, message: &str) {
    let shown = parse(text).unwrap_err().to_string();
    assert_eq!(shown, message, "\n{shown}");
    assert!(!shown.contains("hunter2"));
}

#[test]
fn what_a_table_says_is_what_the_route_does() {
    let text = r#"[[alert]]
webhook = "env:WEBHOOK"
form = "slack"
remind = "12h"
ahead = "30d"
after = 3
[[alert]]
name = "pager.2"
command = ["bin/page", "-x", "hunter2"]
[[alert]]
name = "inner"
webhook = "http://10.1.2.3/hunter2"
allow_private = true
headers = { Authorization = "hunter2" }
"#;
    let config = parse(text).unwrap();
    let names: Vec<&str> = config.alerts.iter().map(|route| &*route.name).collect();
    assert_eq!(names, ["webhook", "pager.2", "inner"]);
    let rules = &config.alerts[0].rules;
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    assert_eq!((rules.remind, rules.ahead, rules.after), (hours(12), hours(30 * 24), 3));
    assert_eq!(config.alerts[1].rules, sigcache_core::alert::Rules::default());
    let shown = format!("{config:?}");
    assert!(shown.contains("/folder/bin/page") && !shown.contains("hunter2"), "{shown}");
    assert!(parse("").unwrap().alerts.is_empty());
}

#[test]
fn mistyped_words_get_the_nearest() {
    refused(
        "[[alert]]\nwebhok = \"https://hooks.example/hunter2\"\n[[alret]]\n",
        r#"c.toml:13:1: unknown word `webhok` in [[alert]]
  13 | webhok = …
     | ^^^^^^
  expected one of `name`, `webhook`, `form`, `command`, `sns`, `remind`, `ahead`, `after`, `allow_private`, `extra_ca`, `client_certificate`, `headers`
  did you mean `webhook`?
c.toml:14:3: unknown word `alret` in the configuration
  14 | [[alret]]
     |   ^^^^^
  expected one of `store`, `run`, `serve`, `defaults`, `keys`, `resource`, `collection`, `alert`
  did you mean `alert`?"#,
    );
    refused(
        "[[alert]]\nwebhook = \"https://hooks.example/hunter2\"\nform = \"slak\"\nremind = \"1s\"\nahead = \"soon\"\nafter = 0\n",
        r#"c.toml:14:8: `form` cannot be "slak"
  14 | form = "slak"
     |        ^^^^^^
  expected one of `json`, `slack`
  did you mean `slack`?
c.toml:15:10: `remind` cannot be "1s"
  15 | remind = "1s"
     |          ^^^^
  expected a duration such as "500ms", "90s", "5m", "3h" or "7d", at most "36500d", at least "1m"
c.toml:16:9: `ahead` cannot be "soon"
  16 | ahead = "soon"
     |         ^^^^^^
  expected a duration such as "500ms", "90s", "5m", "3h" or "7d", at most "36500d"
c.toml:17:9: `after` cannot be 0
  17 | after = 0
     |         ^
  expected a whole number from 1 to 100"#,
    );
}

#[test]
fn there_is_one_way_to_somebody_and_one_name_for_it() {
    const KINDS: &str = r#"`webhook = "https://…"`, `webhook = "env:NAME"`, `command = ["/path/to/program", "argument"]` or `sns = "arn:aws:sns:…"`"#;
    refused(
        "[[alert]]\nname = \"x\"\n",
        &format!(
            "c.toml:12:1: [[alert]] has no `webhook` or `command` or `sns`\n  12 | [[alert]]\n     | ^^^^^^^^^\n  expected {KINDS}"
        ),
    );
    refused(
        "[[alert]]\nwebhook = \"env:WEBHOOK\"\ncommand = [\"/page\"]\n",
        "c.toml:12:1: [[alert]] has both `webhook` and `command`\n  12 | [[alert]]\n     | ^^^^^^^^^\n  expected one of them",
    );
    refused(
        "[[alert]]\nwebhook = \"env:WEBHOOK\"\n[[alert]]\nwebhook = \"env:WEBHOOK\"\n",
        r#"c.toml:14:1: another [[alert]] is called `webhook`
  14 | [[alert]]
     | ^^^^^^^^^
  expected a `name` of its own for each, under which is remembered what was told"#,
    );
    refused(
        "[[alert]]\nname = \"a b\"\nwebhook = \"env:WEBHOOK\"\n",
        r#"c.toml:13:8: an alert cannot be called `a b`
  13 | name = "a b"
     |        ^^^^^
  expected at most 64 letters, digits, `-`, `_` and `.`"#,
    );
    refused(
        "[[alert]]\nsns = \"arn:aws:sqs:eu-west-2:1:x\"\nform = \"json\"\n",
        r#"c.toml:13:7: `arn:aws:sqs:eu-west-2:1:x` is not the name of a topic
  13 | sns = "arn:aws:sqs:eu-west-2:1:x"
     |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^
  expected "arn:aws:sns:REGION:ACCOUNT:NAME"
c.toml:14:8: `form` says nothing about a topic
  14 | form = "json"
     |        ^^^^^^
  expected a `webhook`"#,
    );
    refused(
        "[alert]\nwebhook = \"env:WEBHOOK\"\n",
        "c.toml:12:1: [alert] stands in single brackets\n  12 | [alert]\n     | ^^^^^^^\n  expected [[alert]], as there may be more of them",
    );
}

#[test]
fn a_command_is_a_path_and_has_no_words_of_a_webhook() {
    refused(
        "[[alert]]\ncommand = [\"page\", \"hunter2\"]\nform = \"json\"\n",
        r#"c.toml:13:12: `page` is not the path of a program
  13 | command = […, …]
     |            ^
  expected a path, from the folder of the configuration; no shell is asked, and no PATH
c.toml:14:8: `form` says nothing about a command
  14 | form = "json"
     |        ^^^^^^
  expected a `webhook`"#,
    );
    refused(
        "[[alert]]\ncommand = []\n",
        "c.toml:13:11: `command` is an empty list\n  13 | command = []\n     |           ^^\n  expected a program, and its arguments",
    );
    refused(
        "[[alert]]\ncommand = \"/page hunter2\"\n",
        "c.toml:13:11: `command` cannot be a text\n  13 | command = …\n     |           ^\n  expected a list: a program, and its arguments",
    );
}

#[test]
fn the_url_of_a_webhook_is_looked_at_and_not_shown() {
    let message = |what: &str, expected: &str| {
        format!("c.toml:13:11: {what}\n  13 | webhook = …\n     |           ^\n  expected {expected}")
    };
    let plain = message(
        "a webhook is not told over `http:`, where anybody on the way can read it",
        "`https:`; within an inner network `allow_private = true` permits `http:`",
    );
    refused("[[alert]]\nwebhook = \"http://hooks.example/hunter2\"\n", &plain);
    refused("[[alert]]\nwebhook = \"env:HTTP\"\n", &plain);
    let whole = "a URL that begins with `https:`, or \"env:NAME\"";
    refused(
        "[[alert]]\nwebhook = \"ftp://hooks.example/hunter2\"\n",
        &message("this is not the URL of a webhook", whole),
    );
    let relative = message("this is not the URL of a webhook: relative URL without a base", whole);
    refused("[[alert]]\nwebhook = \"env:NONSENSE\"\n", &relative);
    refused("[[alert]]\nwebhook = \"hunter2\"\n", &relative);
    refused(
        "[[alert]]\nwebhook = \"https://me:hunter2@hooks.example/\"\n",
        &message(
            "there is a user name or password in the URL of this webhook",
            "a header in its place: headers = { Authorization = \"env:NAME\" }",
        ),
    );
    refused(
        "[[alert]]\nwebhook = \"env:NOWHERE\"\n",
        "c.toml:13:11: the environment variable `NOWHERE` is not set, or empty\n  13 | webhook = …\n     |           ^",
    );
}
