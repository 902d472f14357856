//! The ways in which the protocol is broken. Each stands beside what it replaces, behind the word of its name.

/// One way.
pub(super) struct Mutation {
    pub(super) name: &'static str,
    /// File below `sigcache-core/src`, what stands there, what takes its place.
    pub(super) edits: &'static [(&'static str, &'static str, &'static str)],
}

pub(super) const MUTATIONS: &[Mutation] = &[
    Mutation {
        name: "commit-before-seal",
        edits: &[(
            "store/staging.rs",
            "let put = self.objects.put_opts(&self.key, payload, options).await;
            return put.map(|_| ()).map_err(|error| failed(\"write\", &self.key, error));",
            "let put = self.objects.put_opts(&self.key, payload, options);
            if crate::mutated(\"commit-before-seal\") {
                let _ = put.now_or_never();
                return Ok(());
            }
            return put.await.map(|_| ()).map_err(|error| failed(\"write\", &self.key, error));",
        )],
    },
    Mutation {
        name: "publish-before-commit",
        edits: &[(
            "run.rs",
            "let commit = self.commit(",
            "if crate::mutated(\"publish-before-commit\") {
                let mut ahead = catalog.clone();
                ahead.apply(&changes, report.run, report.started);
                let _ = self.store.publish(&ahead, report.started).await;
            }
            let commit = self.commit(",
        )],
    },
    Mutation {
        name: "no-read-back",
        edits: &[(
            "store/commit.rs",
            "match self.snapshot(next.sequence()).await {",
            "if crate::mutated(\"no-read-back\") && matches!(error, object_store::Error::AlreadyExists { .. }) {
                return Ok(None);
            }
            match self.snapshot(next.sequence()).await {",
        )],
    },
    Mutation {
        name: "overwrite-instead-of-create",
        edits: &[(
            "store/commit.rs",
            "self.commits.put_opts(&key, payload.clone(), PutMode::Create.into())",
            "self.commits.put_opts(
                &key,
                payload.clone(),
                if crate::mutated(\"overwrite-instead-of-create\") { PutMode::Overwrite } else { PutMode::Create }.into(),
            )",
        )],
    },
    Mutation {
        name: "mark-lowered-on-merge",
        edits: &[
            (
                "store/catalog.rs",
                "!same && (fallen",
                "!crate::mutated(\"mark-lowered-on-merge\") && !same && (fallen",
            ),
            (
                "store/catalog.rs",
                "if !permitted && mark.is_older_than(high) == Some(true)",
                "if !crate::mutated(\"mark-lowered-on-merge\") && !permitted && mark.is_older_than(high) == Some(true)",
            ),
        ],
    },
    Mutation {
        name: "last-run-wins",
        edits: &[(
            "store/catalog.rs",
            "let fallen = ",
            "let same = same || crate::mutated(\"last-run-wins\");
        let fallen = ",
        )],
    },
    Mutation {
        name: "changes-of-others-lost",
        edits: &[
            (
                "store/commit.rs",
                "standing.keep_marks(next);",
                "if crate::mutated(\"changes-of-others-lost\") {
                standing = next.clone().renumbered(standing.sequence());
            }
            standing.keep_marks(next);",
            ),
            (
                "store/catalog.rs",
                "    /// The time of that run.
    pub fn at(&self)",
                "    pub(super) fn renumbered(mut self, sequence: u64) -> Self {
        self.sequence = sequence;
        self
    }

    /// The time of that run.
    pub fn at(&self)",
            ),
        ],
    },
    Mutation {
        name: "slow-run-undoes-confirmation",
        edits: &[(
            "store/catalog.rs",
            "filter(|_| self.checked_at != change.confirmed)",
            "filter(|_| self.checked_at != change.confirmed && !crate::mutated(\"slow-run-undoes-confirmation\"))",
        )],
    },
    Mutation {
        name: "stopped-run-commits-later",
        edits: &[(
            "runtime.rs",
            "match runtime.elapsed() > end {",
            "match runtime.elapsed() > end && !crate::mutated(\"stopped-run-commits-later\") {",
        )],
    },
    Mutation {
        name: "gc-without-grace",
        edits: &[(
            "store/gc.rs",
            "let border = now.minus(keep.span.max(DAY));",
            "let border = now.minus(if crate::mutated(\"gc-without-grace\") { keep.span } else { keep.span.max(DAY) });",
        )],
    },
    Mutation {
        name: "gc-takes-what-was-just-replaced",
        edits: &[(
            "store/gc.rs",
            "replaced = Some(snapshot.at());",
            "replaced = Some(if crate::mutated(\"gc-takes-what-was-just-replaced\") {
                Timestamp::from_millis(0)
            } else {
                snapshot.at()
            });",
        )],
    },
    Mutation {
        name: "gc-takes-versions-first",
        edits: &[(
            "store/gc.rs",
            "for group in [&collected.snapshots, &collected.versions, &collected.reports] {",
            "let mut groups = [&collected.snapshots, &collected.versions, &collected.reports];
            if crate::mutated(\"gc-takes-versions-first\") {
                groups.swap(0, 1);
            }
            for group in groups {",
        )],
    },
    Mutation {
        name: "no-mark-before-publishing",
        edits: &[(
            "store/publish.rs",
            "self.mark(own).await?;",
            "if !crate::mutated(\"no-mark-before-publishing\") {
            self.mark(own).await?;
        }",
        )],
    },
    Mutation {
        name: "publishes-without-looking-again",
        edits: &[(
            "store/publish.rs",
            "if newest.is_none_or(|newest| newest <= current.sequence()) {",
            "if newest.is_none_or(|newest| newest <= current.sequence())
                || crate::mutated(\"publishes-without-looking-again\")
            {",
        )],
    },
    Mutation {
        name: "marks-cleared-at-once",
        edits: &[(
            "store/publish.rs",
            "if at.since(run.time()) >= ABANDONED {",
            "if at.since(run.time()) >= ABANDONED || crate::mutated(\"marks-cleared-at-once\") {",
        )],
    },
    Mutation {
        name: "published-although-copies-failed",
        edits: &[(
            "store/publish.rs",
            "if !failures.is_empty() {",
            "if !failures.is_empty() && !crate::mutated(\"published-although-copies-failed\") {",
        )],
    },
    Mutation {
        name: "sets-merged-one-by-one",
        edits: &[(
            "store/catalog.rs",
            "let torn = change.is_new_version()",
            "let torn = !crate::mutated(\"sets-merged-one-by-one\") && change.is_new_version()",
        )],
    },
    Mutation {
        name: "incomplete-sets-taken",
        edits: &[(
            "run/sets.rs",
            "if sets.is_empty() {",
            "if sets.is_empty() || crate::mutated(\"incomplete-sets-taken\") {",
        )],
    },
    Mutation {
        name: "copies-although-not-wanted",
        edits: &[(
            "store/bucket.rs",
            "Publish::Nothing => Ok(Vec::new()),",
            "Publish::Nothing if crate::mutated(\"copies-although-not-wanted\") => {
                self.publish_copies(catalog, at).await
            }
            Publish::Nothing => Ok(Vec::new()),",
        )],
    },
    Mutation {
        name: "reshard-takes-away-first",
        edits: &[(
            "store/reshard.rs",
            "let mut resources = known.len();",
            "if crate::mutated(\"reshard-takes-away-first\") {
            for (bucket, sequence) in &read {
                bucket.take_away(*sequence).await?;
            }
        }
        let mut resources = known.len();",
        )],
    },
    Mutation {
        name: "reshard-forgets-marks",
        edits: &[(
            "store/reshard.rs",
            "entry.changed_in = u64::from(entry.changed_in > published);",
            "entry.changed_in = u64::from(entry.changed_in > published);
        entry.mark = entry.mark.filter(|_| !crate::mutated(\"reshard-forgets-marks\"));",
        )],
    },
    Mutation {
        name: "read-without-check",
        edits: &[(
            "read.rs",
            "if digest != expected.digest {",
            "if crate::mutated(\"read-without-check\") {
        return Ok(());
    }
    if digest != expected.digest {",
        )],
    },
];
