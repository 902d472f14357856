//! The tables `[[alert]]`: who is told when something is not as it should be.

use std::{sync::Arc, time::Duration};

use url::Url;

use super::{
    build::Build,
    problem::Place,
    table::{Table, Value, kind, tick},
    units,
};
use crate::alert::{Channel, Command, Form, Route, Rules, Webhook};

/// Every word that may stand in `[[alert]]`.
pub(super) const ALERT: &[&str] = &[
    "name",
    "webhook",
    "form",
    "command",
    "sns",
    "remind",
    "ahead",
    "after",
    "allow_private",
    "extra_ca",
    "client_certificate",
    "headers",
];

/// Words that say something only about a webhook.
const OF_WEBHOOKS: &[&str] = &["form", "allow_private", "extra_ca", "client_certificate", "headers"];

const KINDS: &str = "`webhook = \"https://…\"`, `webhook = \"env:NAME\"`, `command = [\"/path/to/program\", \"argument\"]` \
     or `sns = \"arn:aws:sns:…\"`";

/// The words of which each alert has one.
const CHANNELS: [&str; 3] = ["webhook", "command", "sns"];

impl Build<'_> {
    /// All of them. What was told on each is remembered under its name, so no two have the same.
    pub(super) fn alerts(&mut self, values: &[&Value<'_>]) -> Vec<Route> {
        let mut routes: Vec<Route> = Vec::new();
        for value in values {
            let Some(table) = Table::open(value, "[[alert]]", &[ALERT], &mut self.problems) else { continue };
            let Some((route, place)) = self.alert(&table) else { continue };
            if routes.iter().any(|other| other.name == route.name) {
                let message = format!("another [[alert]] is called {}", tick(&route.name));
                let expected = "a `name` of its own for each, under which is remembered what was told";
                self.problems.at_place(place, message).expected(expected);
                continue;
            }
            routes.push(route);
        }
        routes
    }

    fn alert(&mut self, table: &Table<'_>) -> Option<(Route, Place)> {
        let kinds: Vec<&str> = CHANNELS.into_iter().filter(|kind| table.has(kind)).collect();
        let (channel, kind): (Option<Arc<dyn Channel>>, _) = match kinds.as_slice() {
            [one, other, ..] => {
                let message = format!("[[alert]] has both {} and {}", tick(one), tick(other));
                self.problems.at(table.span(), message).expected("one of them");
                (None, "webhook")
            }
            ["webhook", ..] => (self.webhook(table).map(|webhook| Arc::new(webhook) as _), "webhook"),
            ["command", ..] => (self.alert_command(table).map(|command| Arc::new(command) as _), "command"),
            [_, ..] => (self.alert_topic(table), "sns"),
            [] => {
                table.lacks(&CHANNELS, table.span(), KINDS, &mut self.problems);
                (None, "webhook")
            }
        };
        let rules = self.alert_rules(table);
        let (name, place) = match table.text("name", &mut self.problems) {
            Some((name, place)) => (name, place),
            None => (kind, Place { source: 0, span: table.span() }),
        };
        let sound = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
        if name.len() > 64 || !name.bytes().all(sound) {
            let message = format!("an alert cannot be called {}", tick(name));
            self.problems.at_place(place, message).expected("at most 64 letters, digits, `-`, `_` and `.`");
            return None;
        }
        Some((Route::new(name, channel?, rules), place))
    }

    fn alert_rules(&mut self, table: &Table<'_>) -> Rules {
        let mut rules = Rules::default();
        let problems = &mut self.problems;
        let some = |text: &str| units::duration(text).filter(|span| *span >= Duration::from_secs(60));
        let expected = format!("{}, at least \"1m\"", units::DURATION);
        rules.remind = table.parsed("remind", &expected, problems, some).unwrap_or(rules.remind);
        rules.ahead = table.parsed("ahead", units::DURATION, problems, units::duration).unwrap_or(rules.ahead);
        rules.after = table.whole("after", 1, 100, problems).unwrap_or(rules.after);
        rules
    }

    /// A topic of SNS, in builds that can speak to AWS.
    fn alert_topic(&mut self, table: &Table<'_>) -> Option<Arc<dyn Channel>> {
        self.only_of_webhooks(table, "a topic");
        let (arn, place) = table.text("sns", &mut self.problems)?;
        #[cfg(feature = "aws")]
        {
            if crate::alert::Topic::is_arn(arn) {
                return Some(Arc::new(crate::alert::Topic::new(arn, &crate::store::environment())));
            }
            let message = format!("{} is not the name of a topic", tick(arn));
            self.problems.at_place(place, message).expected("\"arn:aws:sns:REGION:ACCOUNT:NAME\"");
        }
        #[cfg(not(feature = "aws"))]
        self.problems.at_place(place, format!("{} needs a build with the feature `aws`", tick(arn)));
        None
    }

    fn only_of_webhooks(&mut self, table: &Table<'_>, this: &str) {
        for word in OF_WEBHOOKS {
            if let Some(value) = table.get(word) {
                let message = format!("{} says nothing about {this}", tick(word));
                self.problems.at(value.span(), message).expected("a `webhook`");
            }
        }
    }

    fn alert_command(&mut self, table: &Table<'_>) -> Option<Command> {
        self.only_of_webhooks(table, "a command");
        let value = table.get("command")?;
        let span = value.span();
        if value.get_ref().as_array().is_none() {
            // Without its text, in which a secret may stand as an argument.
            let message = format!("`command` cannot be {}", kind(value.get_ref()));
            self.problems.at(span, message).expected("a list: a program, and its arguments");
            return None;
        }
        let list = table.list("command", &mut self.problems)?;
        let [(program, place), arguments @ ..] = list.as_slice() else {
            self.problems.at(span, "`command` is an empty list").expected("a program, and its arguments");
            return None;
        };
        if !program.contains('/') {
            let message = format!("{} is not the path of a program", tick(program));
            let expected = "a path, from the folder of the configuration; no shell is asked, and no PATH";
            self.problems.at_place(place.clone(), message).expected(expected);
            return None;
        }
        let program = self.folder.join(program).to_string_lossy().into_owned();
        Some(Command::new(&program, arguments.iter().map(|(argument, _)| (*argument).to_owned())))
    }

    fn webhook(&mut self, table: &Table<'_>) -> Option<Webhook> {
        let access = self.access_settings(table);
        let access = self.access(&access);
        let forms = [("json", Form::Json), ("slack", Form::Slack)];
        let form = table.word("form", &forms, &mut self.problems).unwrap_or_default();
        let (text, place) = table.text("webhook", &mut self.problems)?;
        let text = match text.strip_prefix("env:") {
            Some(name) => self.variable(name, &place)?.trim().to_owned(),
            None => text.to_owned(),
        };
        let allowed: &[&str] = match access.addresses {
            crate::fetch::Addresses::Public => &["https"],
            crate::fetch::Addresses::Any => &["https", "http"],
        };
        // The URL may be a secret as a whole: nothing of it is shown.
        let (message, expected) = match Url::parse(&text) {
            Ok(url) if !url.username().is_empty() || url.password().is_some() => (
                "there is a user name or password in the URL of this webhook".to_owned(),
                "a header in its place: headers = { Authorization = \"env:NAME\" }",
            ),
            Ok(url) if allowed.contains(&url.scheme()) && url.has_host() => {
                return Some(Webhook::new(url, form, access));
            }
            Ok(url) if url.scheme() == "http" => (
                "a webhook is not told over `http:`, where anybody on the way can read it".to_owned(),
                "`https:`; within an inner network `allow_private = true` permits `http:`",
            ),
            Ok(_) => {
                ("this is not the URL of a webhook".to_owned(), "a URL that begins with `https:`, or \"env:NAME\"")
            }
            Err(error) => (
                format!("this is not the URL of a webhook: {error}"),
                "a URL that begins with `https:`, or \"env:NAME\"",
            ),
        };
        self.problems.at_place(place, message).expected(expected);
        None
    }
}
