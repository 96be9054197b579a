//! Where the configuration comes from, and the road from there to a checked one.
//!
//! A checked text may name files for TLS; they are read as well, and what is wrong with them is a
//! mistake like any other.
//!
//! Files are read here and judged in `tidegate_core::config`. Reading also takes a stamp of each
//! file, and notes the patterns of `include`, so that a watcher can tell later whether any of it
//! has changed since. Whoever loads decides what becomes of a refusal; nothing is published here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tidegate_core::config::diagnostic::Diagnostic;
use tidegate_core::config::load::{self, Source, Text};
use tidegate_core::model::node::Config;

use super::sources::Sources;
use crate::act::notify::webhook::{self, Webhook};
use crate::release::facts::{self, Word};
use crate::tls::build::build;
use crate::tls::parts::Tls;
use crate::tls::refresh::refresh;

/// Bytes of one file: a thousand times what people write by hand.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// Where the configuration comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A file, and what it includes.
    File(PathBuf),
    /// A text that somebody made up, as `tidegate proxy` does.
    Text {
        /// What diagnostics call it.
        name: String,
        /// The TOML text.
        text: String,
    },
}

/// A configuration that may be used.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// What it says.
    pub config: Arc<Config>,
    /// What the files hold that it names for TLS.
    pub tls: Arc<Tls>,
    /// Who is told of events.
    pub(crate) webhooks: Arc<[Webhook]>,
    /// The whole as TOML, with every default and where each value comes from.
    pub resolved: Arc<str>,
    /// What was read.
    pub sources: Sources,
    /// What counts where it contradicts what has happened.
    pub(crate) word: Word,
    doubts: Vec<Diagnostic>,
}

/// A configuration whose text is good. What the files hold that it names has not been looked at.
#[derive(Clone, Debug)]
pub struct Sound {
    /// What it says.
    pub config: Arc<Config>,
    /// Doubts that did not stop it.
    pub warnings: Vec<Diagnostic>,
    resolved: Arc<str>,
    sources: Sources,
    /// Where everything is written.
    written: Arc<load::Loaded>,
}

/// A configuration that may not be used.
#[derive(Clone, Debug)]
pub struct Refused {
    /// Every mistake and doubt.
    pub diagnostics: Vec<Diagnostic>,
    /// What was read until then.
    pub sources: Sources,
}

impl Origin {
    /// Reads and checks it, and the files that it names. Blocks on the disk.
    ///
    /// # Errors
    /// [`Refused`] when there is at least one mistake.
    pub fn load(&self) -> Result<Accepted, Refused> {
        self.load_by(Word::OfFacts)
    }

    /// The same; `word` says what counts where it contradicts what has happened.
    ///
    /// # Errors
    /// [`Refused`] when there is at least one mistake.
    pub fn load_by(&self, word: Word) -> Result<Accepted, Refused> {
        self.read()?.with_files(&Tls::default(), word)
    }

    /// The same, for a process that serves: what clients of `before` hold stays good.
    pub(crate) fn load_after(&self, before: &Tls, word: Word) -> Result<Accepted, Refused> {
        let sound = self.read()?;
        let before = before.keeping(&sound.config);
        sound.with_files(&before, word)
    }

    /// Reads and checks its text alone. Blocks on the disk.
    ///
    /// # Errors
    /// [`Refused`] when there is at least one mistake.
    pub fn read(&self) -> Result<Sound, Refused> {
        match self {
            Self::File(path) => {
                let mut disk = Disk::default();
                let loaded = load::load(path, &mut disk);
                judge(loaded, disk.sources)
            }
            Self::Text { name, text } => {
                judge(load::load(Path::new(name), &mut Text(text)), Sources::default())
            }
        }
    }

    /// What diagnostics call it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Text { name, .. } => name.clone(),
        }
    }
}

fn judge(mut loaded: load::Loaded, sources: Sources) -> Result<Sound, Refused> {
    // What is refused may have no whole text.
    let resolved = loaded.config.as_ref().map(|_| loaded.resolved()).unwrap_or_default();
    let diagnostics = std::mem::take(&mut loaded.diagnostics);
    let Some(config) = loaded.config.take() else { return Err(Refused { diagnostics, sources }) };
    let (config, resolved) = (Arc::new(config), Arc::from(resolved));
    Ok(Sound { config, warnings: diagnostics, resolved, sources, written: Arc::new(loaded) })
}

impl Sound {
    fn with_files(self, before: &Tls, word: Word) -> Result<Accepted, Refused> {
        let Self { config, warnings, resolved, mut sources, written } = self;
        let contradictions = match word {
            Word::OfFacts => facts::contradictions(&config, &written),
            Word::OfFile => Vec::new(),
        };
        let webhooks = webhook::resolve(&config, &mut sources);
        let (tls, webhooks) = match (build(&config, before), webhooks) {
            (Ok(tls), Ok(webhooks)) if contradictions.is_empty() => (Arc::new(tls), webhooks),
            (tls, webhooks) => {
                let (mut diagnostics, read) = tls.err().unwrap_or_default();
                sources.join(read);
                let webhooks = webhooks.err().into_iter().flatten();
                diagnostics.extend(webhooks.chain(contradictions).chain(warnings));
                let place = |one: &Diagnostic| (one.file.clone(), one.line, one.column);
                diagnostics.sort_by_cached_key(place);
                return Err(Refused { diagnostics, sources });
            }
        };
        Ok(Accepted { config, tls, webhooks, resolved, sources, word, doubts: warnings })
    }
}

impl Accepted {
    /// Doubts that did not stop it.
    #[must_use]
    pub fn warnings(&self) -> Vec<Diagnostic> {
        [self.doubts.as_slice(), self.tls.warnings.as_slice()].concat()
    }

    /// The same, with what is kept for it from earlier. Blocks on the disk.
    pub(crate) fn with_kept(&self) -> Self {
        let tls = refresh(&self.config, &self.tls.keeping(&self.config)).tls;
        self.renewed(Arc::new(tls))
    }

    /// The same configuration with what its files hold by now.
    pub(crate) fn renewed(&self, tls: Arc<Tls>) -> Self {
        Self { tls, ..self.clone() }
    }

    /// The doubts of these that are about its text.
    pub(crate) fn doubts(&self) -> &[Diagnostic] {
        &self.doubts
    }
}

/// The files of this machine, with notes of what was looked at.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    sources: Sources,
}

impl Source for Disk {
    fn read(&mut self, path: &Path) -> Result<String, String> {
        let mut content = Vec::new();
        let read = self.sources.read(path, FILE_BYTES_MAX, &mut content);
        read.map_err(|error| error.to_string())?;
        String::from_utf8(content).map_err(|_| "it is not UTF-8 text".to_owned())
    }

    fn expand(&mut self, pattern: &Path) -> Result<Vec<PathBuf>, String> {
        self.sources.expand(pattern).map_err(|error| error.to_string())
    }

    fn read_page(&mut self, path: &Path, bytes_max: usize) -> Result<Vec<u8>, String> {
        let mut page = Vec::new();
        let read = self.sources.read(path, bytes_max as u64, &mut page);
        read.map(|()| page).map_err(|error| error.to_string())
    }
}
