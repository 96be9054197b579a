//! `[[notify]]` to the model.

use super::autoscale::differ;
use super::tls::file;
use super::whole::Site;
use crate::config::raw::tree::{Path, Table};
use crate::config::text::duration::wait;
use crate::config::text::place;
use crate::model::notify::{Notify, Topic};
use crate::model::written::Written;

/// All webhooks.
pub(crate) fn notify(tree: &Table, site: &mut Site<'_>) -> Option<Vec<Notify>> {
    let items = tree.list("notify")?;
    let path = Path::ROOT.key("notify");
    let webhooks = items.iter().filter_map(|item| item.table()?.value("webhook"));
    differ(webhooks, "a webhook", &path.key("webhook"), site);
    items.iter().map(|item| webhook(item.table()?, &path, site)).collect()
}

fn webhook(table: &Table, path: &Path<'_>, site: &Site<'_>) -> Option<Notify> {
    let value = table.value("webhook")?;
    let topic = |word: &str| Topic::ALL.into_iter().find(|topic| topic.as_str() == word);
    let on = table.list("on")?.iter().map(|word| topic(word.text()?));
    Some(Notify {
        webhook: Written {
            value: value.parse(|text| place::secret(text, site.files.directory()))?,
            place: site.files.written(value.at()?, &path.key("webhook")),
        },
        on: on.collect::<Option<_>>()?,
        timeout: table.parse("timeout", wait)?,
        ca: file(table, "ca", path, site.files)?,
    })
}
