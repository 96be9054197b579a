//! Values under sequences of labels, found by the longest sequence first.
//!
//! One node a label, each with a map of its children. A look-up walks down as far as the labels lead, hashing
//! each of them once, and then back up through the parents: the longest match comes first, shorter ones follow
//! if they are asked for. A walk down ends with the first unknown label, however long the text is.

use std::collections::HashMap;

use foldhash::fast::FixedState;

/// A map by text that comes from the configuration.
pub(super) type TextMap<T> = HashMap<Box<str>, T, FixedState>;

/// Values by labels: the segments of a path, or the labels of a host from the right.
#[derive(Debug)]
pub(super) struct Tree<T> {
    /// Parents before their children; the first is the root. Empty when there are no values.
    nodes: Vec<Node<T>>,
}

#[derive(Debug)]
struct Node<T> {
    parent: Option<usize>,
    /// Bytes of the labels on the way here, each with its separator.
    length: usize,
    children: TextMap<usize>,
    value: Option<T>,
}

impl<T: Default> Tree<T> {
    /// The value under these labels, made if there is none.
    pub(super) fn value<'l>(&mut self, labels: impl Iterator<Item = &'l str>) -> &mut T {
        if self.nodes.is_empty() {
            self.nodes.push(Node::new(None, 0));
        }
        let mut at = 0;
        for label in labels {
            at = self.child(at, label);
        }
        self.nodes[at].value.get_or_insert_default()
    }

    fn child(&mut self, parent: usize, label: &str) -> usize {
        if let Some(child) = self.nodes[parent].children.get(label) {
            return *child;
        }
        let child = self.nodes.len();
        let length = self.nodes[parent].length + 1 + label.len();
        self.nodes.push(Node::new(Some(parent), length));
        self.nodes[parent].children.insert(label.into(), child);
        child
    }
}

impl<T> Tree<T> {
    /// The values under these labels and under ever fewer of them, the longest first. With each comes how many
    /// bytes its labels have, a separator before each counted in.
    pub(super) fn deepest_first<'l>(
        &self,
        labels: impl Iterator<Item = &'l str>,
    ) -> impl Iterator<Item = (usize, &T)> {
        std::iter::successors(self.descend(labels), |node| node.parent.map(|at| &self.nodes[at]))
            .filter_map(|node| node.value.as_ref().map(|value| (node.length, value)))
    }

    fn descend<'l>(&self, labels: impl Iterator<Item = &'l str>) -> Option<&Node<T>> {
        let mut node = self.nodes.first()?;
        for label in labels {
            let Some(child) = node.children.get(label) else { break };
            node = &self.nodes[*child];
        }
        Some(node)
    }
}

// Derived, this would ask for `T: Default`.
impl<T> Default for Tree<T> {
    fn default() -> Self {
        Self { nodes: Vec::new() }
    }
}

impl<T> Node<T> {
    fn new(parent: Option<usize>, length: usize) -> Self {
        Self { parent, length, children: TextMap::default(), value: None }
    }
}
