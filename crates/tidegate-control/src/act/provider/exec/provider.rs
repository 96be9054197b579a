//! The provider: three commands and what they are told.

use std::collections::BTreeMap;

use serde::Serialize;
use tidegate_core::model::ids::PoolName;
use tidegate_core::model::provider::Exec;
use tidegate_core::scale::fleet::id::InstanceId;
use tidegate_core::scale::fleet::provider::{Launched, Listed, ProviderFailure};

use super::super::contract::{Order, Provider, Usage};
use super::answer::{self, AnswerError};
use super::run::run;

/// Starts and stops the instances of one pool by commands.
#[derive(Clone, Debug)]
pub struct ExecProvider {
    pool: PoolName,
    settings: Exec,
}

/// What a command reads.
#[derive(Serialize)]
struct Question<'a> {
    pool: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    /// The same again, under the name that machines are given.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<String>,
}

impl ExecProvider {
    /// A provider for a pool.
    #[must_use]
    pub fn new(pool: &PoolName, settings: Exec) -> Self {
        Self { pool: pool.clone(), settings }
    }

    fn about<'a>(&'a self, id: Option<&'a InstanceId>) -> Question<'a> {
        let id = id.map(InstanceId::as_str);
        Question { pool: self.pool.as_str(), id, name: id, template: None }
    }

    async fn ask(
        &self,
        command: &[String],
        question: &Question<'_>,
    ) -> Result<Vec<u8>, ProviderFailure> {
        let mut input = serde_json::to_vec(question).expect("strings have a JSON form");
        input.push(b'\n');
        run(command, &input, self.settings.timeout).await
    }
}

impl Provider for ExecProvider {
    async fn list(&self) -> Result<Vec<Listed>, ProviderFailure> {
        let text = self.ask(&self.settings.list, &self.about(None)).await?;
        answer::inventory(&text).map_err(broken)
    }

    async fn start(&self, order: &Order) -> Result<Launched, ProviderFailure> {
        let template = Some(answer::template(order.template));
        let question = Question { template, ..self.about(Some(&order.id)) };
        let text = self.ask(&self.settings.start, &question).await?;
        answer::launched(&text).map_err(broken)
    }

    async fn stop(&self, id: &InstanceId) -> Result<(), ProviderFailure> {
        self.ask(&self.settings.stop, &self.about(Some(id))).await.map(|_| ())
    }

    /// Commands do not tell.
    async fn usage(&self) -> BTreeMap<InstanceId, Usage> {
        BTreeMap::new()
    }

    /// What commands started is not the balancer's to end.
    async fn close(&self) {}
}

fn broken(error: AnswerError) -> ProviderFailure {
    ProviderFailure::Broken(error.to_string())
}
