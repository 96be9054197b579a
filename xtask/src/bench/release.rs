//! What sessions and releases cost: tidegate as it is always measured, and with more to do for each
//! request.
//!
//! All versions of the shop are the one origin, so that what differs is the balancer's own work.

use std::path::Path;

/// The variable that holds the token of those that take orders, for both sides.
pub(super) const TOKEN: &str = "TIDEGATE_TOKEN";

/// Something that tidegate does for its users beside forwarding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Release {
    /// Users keep their server by a cookie.
    Sessions,
    /// The same, and a tenth of them meets a candidate, who keep their server there.
    Canary,
    /// A candidate that no user of the load meets, and that gets a copy of each request.
    Mirror,
}

impl Release {
    pub(super) const ALL: [Self; 3] = [Self::Sessions, Self::Canary, Self::Mirror];

    /// As shown in tables, and the beginning of its files' names.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::Canary => "sessions-canary",
            Self::Mirror => "mirror",
        }
    }

    /// Where it listens, on 127.0.0.1.
    pub(super) const fn port(self) -> u16 {
        9201 + self as u16
    }

    const fn admin(self) -> u16 {
        9901 + self as u16
    }

    /// Its configuration, made of the one that tidegate is always measured with.
    pub(super) fn config(self, base: &str) -> String {
        const TOKENS: &str =
            "tokens = [{ name = \"bench\", token = \"env:TIDEGATE_TOKEN\", role = \"operate\" }]";
        const SESSION: &str = "\n[pool.origin.session]\nmode = \"cookie\"\n";
        let state = format!("[runtime]\nstate = \"{}.state\"", self.name());
        let base = base
            .replace("[runtime]", &state)
            .replace("127.0.0.1:9200", &format!("127.0.0.1:{}", self.port()))
            .replace("\"127.0.0.1:9900\"", &format!("\"127.0.0.1:{}\"\n{TOKENS}", self.admin()));
        let more = match self {
            Self::Sessions => SESSION.to_owned(),
            Self::Canary => {
                let session = "session = { mode = \"cookie\" }\n";
                format!("{SESSION}{}", rollout(10.0, session, ""))
            }
            Self::Mirror => {
                rollout(0.01, "", "[rollout.next.mirror]\nshare = 1.0\nat_once = 1000\n")
            }
        };
        format!("{base}{more}")
    }

    /// What is said to it, by the program's own command, once it listens.
    pub(super) fn order(self) -> Option<[String; 5]> {
        let admin = format!("http://127.0.0.1:{}", self.admin());
        let order = ["rollout", "start", "next", "--admin", &admin].map(str::to_owned);
        (self != Self::Sessions).then_some(order)
    }

    /// Forgets what an earlier run has left, a rollout under way above all.
    pub(super) fn forget(self, directory: &Path) -> std::io::Result<()> {
        match std::fs::remove_dir_all(directory.join(format!("{}.state", self.name()))) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

fn rollout(share: f64, pool: &str, more: &str) -> String {
    format!(
        "
[pool.next]
servers = [\"127.0.0.1:9000\"]
{pool}[pool.next.health]
path = \"/s/1\"
[rollout.next]
pool = \"origin\"
candidate = \"next\"
strategy = \"canary\"
user = [\"cookie:uid\"]
steps = [{share}, 100]
hold = \"1h\"
{more}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_listens_where_it_says_and_has_a_place_of_its_own() {
        let base = include_str!("../../../bench/tidegate.toml");
        for release in Release::ALL {
            let config = release.config(base);
            for part in [
                format!("[listener.bench]\naddress = \"127.0.0.1:{}\"", release.port()),
                format!("[admin]\naddress = \"127.0.0.1:{}\"\ntokens", release.admin()),
                format!("state = \"{}.state\"", release.name()),
            ] {
                assert!(config.contains(&part), "{part}: {config}");
            }
            assert_eq!(config.contains("[rollout.next]"), release.order().is_some());
        }
    }
}
