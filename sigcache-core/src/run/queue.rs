//! Whose turn it is.

use std::collections::{HashMap, VecDeque};

use crate::resource::Resource;

/// Resources waiting for their turn, by host: a slow or dead host does not keep the others waiting.
pub(super) struct HostQueue<'a> {
    waiting: Vec<VecDeque<&'a Resource>>,
    running: Vec<usize>,
    per_host: usize,
    turn: usize,
}

impl<'a> HostQueue<'a> {
    pub(super) fn new(resources: impl IntoIterator<Item = &'a Resource>, per_host: usize) -> Self {
        let mut hosts: HashMap<Option<String>, usize> = HashMap::new();
        let mut waiting: Vec<VecDeque<&Resource>> = Vec::new();
        for resource in resources {
            let index = *hosts.entry(resource.host()).or_insert(waiting.len());
            if index == waiting.len() {
                waiting.push(VecDeque::new());
            }
            waiting[index].push_back(resource);
        }
        Self { running: vec![0; waiting.len()], waiting, per_host, turn: 0 }
    }

    /// The next resource of a host that is not busy, host after host in turn.
    pub(super) fn next(&mut self) -> Option<(usize, &'a Resource)> {
        let hosts = self.waiting.len();
        for step in 0..hosts {
            let host = (self.turn + step) % hosts;
            if self.running[host] < self.per_host
                && let Some(resource) = self.waiting[host].pop_front()
            {
                self.running[host] += 1;
                self.turn = host + 1;
                return Some((host, resource));
            }
        }
        None
    }

    pub(super) fn done(&mut self, host: usize) {
        self.running[host] -= 1;
    }
}
