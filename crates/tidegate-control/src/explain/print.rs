//! An explanation as people read it.

use std::fmt;

use super::{Answer, CompressionStatus, Explanation, Sticking, Version};

impl fmt::Display for CompressionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offered = self.offered.join(", ");
        match &self.coding {
            Some(coding) => write!(f, "a response that is worth it is sent in {coding}")?,
            None => f.write_str("responses are sent as they are: the client takes none")?,
        }
        write!(f, " of {offered}")
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = if self.host.is_empty() { "(none)" } else { &self.host };
        writeln!(f, "listener {}, host {host}, path {}", self.listener, self.path)?;
        self.connection.iter().try_for_each(|part| writeln!(f, "  {part}"))?;
        for step in &self.steps {
            writeln!(f, "{}:", step.place)?;
            for trial in &step.trials {
                match &trial.failed {
                    None => writeln!(f, "  {}: taken", trial.route)?,
                    Some(why) => writeln!(f, "  {}: does not hold: {why}", trial.route)?,
                }
            }
        }
        let Some(route) = &self.route else {
            return match &self.answer {
                Some(answer) => write!(f, "before any route it is answered {answer}"),
                None => f.write_str("no route takes it: 404"),
            };
        };
        if !self.edits.is_empty() {
            writeln!(f, "route {route} changes:")?;
            self.edits.iter().try_for_each(|edit| writeln!(f, "  {edit}"))?;
        }
        if let Some(answer) = &self.answer {
            write!(f, "route {route} answers {answer}")?;
        }
        self.version.iter().try_for_each(|version| writeln!(f, "{version}"))?;
        if let Some(pool) = &self.pool {
            write!(f, "route {route} leads to pool {} ({})", pool.name, pool.balance)?;
            pool.servers.iter().try_for_each(|(name, state)| write!(f, "\n  {name}: {state}"))?;
            pool.connection.iter().try_for_each(|part| write!(f, "\n  {part}"))?;
        }
        self.session.iter().try_for_each(|session| write!(f, "\n{session}"))?;
        self.compression.iter().try_for_each(|compression| write!(f, "\n{compression}"))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rollout, stable, candidate, because, .. } = self;
        match self.percent {
            Some(percent) => {
                write!(
                    f,
                    "rollout {rollout} of pool {stable}: {percent} % of users meet {candidate}"
                )?;
            }
            None => write!(f, "rollout {rollout} of pool {stable}, with candidate {candidate}")?,
        }
        match &self.user {
            Some(user) => write!(f, "\n  its user is told by {user}")?,
            None => f.write_str("\n  nothing in it tells who its user is")?,
        }
        match &self.side {
            Some(side) => write!(f, "\n  it meets {side}: {because}")?,
            None => write!(f, "\n  it meets one of the two: {because}")?,
        }
        self.mirror.iter().try_for_each(|mirror| write!(f, "\n  it {mirror}"))
    }
}

impl fmt::Display for Sticking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mode, strength, by, meaning, .. } = self;
        write!(f, "session in mode {mode} ({strength}), by {by}\n  {meaning}")
    }
}

/// Characters of a body that are shown.
const BODY_SHOWN: usize = 200;

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        self.fields.iter().try_for_each(|(name, value)| write!(f, "\n  {name}: {value}"))?;
        if !self.body.is_empty() {
            let shown: String = self.body.chars().take(BODY_SHOWN).collect();
            let more = if shown.len() < self.body.len() { "…" } else { "" };
            write!(f, "\n  body: {shown:?}{more}")?;
        }
        Ok(())
    }
}
