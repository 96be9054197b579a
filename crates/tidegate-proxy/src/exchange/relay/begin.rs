//! Step 8 of 8: the relay's beginning: the request head, as the server is to see it.

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Method, Request, Uri};
use tidegate_core::edit::request as edit;
use tidegate_core::http::forwarded::{Forwarding, carries_request_id};
use tidegate_core::http::head::BodyLength;
use tidegate_core::http::write::{self, BodyFraming, RequestOptions};
use tidegate_core::http::{assemble, grpc};
use tidegate_core::model::edit::HostEdit;
use tidegate_net::clock;

use super::Relay;
use crate::error::Error;
use crate::exchange::Course;
use crate::exchange::state::Exchange;
use crate::held::Held;
use crate::wire::{Duplex, Part, Wire, fields};

impl Relay<'_> {
    /// Begins the request, or what a try before has kept of it.
    pub(super) fn begin_request(&mut self) -> Result<(), Error> {
        self.name_server()?;
        if let Wire::Offer(_) = &self.connection.wire {
            return self.begin_stream();
        }
        if self.x.to_server.kept() == 0 {
            let framing = match self.x.head.body() {
                BodyLength::UntilEnd => BodyFraming::Chunked,
                _ => BodyFraming::AsReceived,
            };
            self.worker.lend(&mut self.x.to_server);
            let mut out = std::mem::take(&mut self.x.to_server);
            self.write_request(framing, out.vector());
            self.x.to_server = out;
            self.x.head_kept = self.x.to_server.kept();
            self.x.replayable = true;
        }
        Ok(())
    }

    /// Puts the server's own name into the head, where the route wants that. A body that was kept
    /// stands behind the head for another server, which then has to be written again.
    fn name_server(&mut self) -> Result<(), Error> {
        let edits = self.course.route.request.as_ref();
        let wanted = edits.is_some_and(|edits| edits.host == HostEdit::Server);
        let Some(server) = self.x.server.filter(|_| wanted) else { return Ok(()) };
        let server = &self.course.pool.entry.members[server.position()].server;
        let name = server.address.to_string();
        edit::name_server(self.course.route, &mut self.x.head, &name).map_err(Error::BadEdit)?;
        if self.connection.wire.is_socket() && self.x.to_server.kept() > 0 {
            let body = self.x.to_server.waiting()[self.x.head_kept..].to_vec();
            self.x.to_server.clear();
            self.begin_request()?;
            self.x.to_server.append(&body);
        }
        Ok(())
    }

    /// Begins a stream with the request head. The body that was kept follows it.
    fn begin_stream(&mut self) -> Result<(), Error> {
        if self.x.upgrade {
            return Err(Error::NoTunnel);
        }
        let mut lines = Held::default();
        self.worker.lend(&mut lines);
        self.write_request(BodyFraming::Stream, lines.vector());
        let mut fields = fields::map(assemble::fields_of(lines.waiting()));
        if let Some(left) = self.x.time_left(self.course, clock::now()) {
            // What a try before has used is gone.
            let left = HeaderValue::try_from(grpc::print_timeout(left));
            fields.insert(grpc::TIMEOUT, left.map_err(|_| Error::Unwritable)?);
        }
        lines.clear();
        let request = request(self.x, self.course, lines.vector());
        lines.clear();
        self.worker.reclaim(&mut lines);
        let mut request = request.ok_or(Error::Unwritable)?;
        *request.headers_mut() = fields;
        let Wire::Offer(offer) = &mut self.connection.wire else { return Err(Error::Reset) };
        let bare = self.x.request_body.is_done() && self.x.to_server.is_empty();
        let part = if bare { Part::Last } else { Part::More };
        let duplex = Duplex::begin(offer, request, part).map_err(|_| Error::Refused)?;
        self.connection.wire = Wire::Stream(Box::new(duplex));
        self.x.replayable = true;
        self.x.attempt.sent = true;
        Ok(())
    }

    fn write_request(&self, framing: BodyFraming, out: &mut Vec<u8>) {
        let (listener, head) = (self.course.listener, &self.x.head);
        let origin = &self.client.origin;
        let trusted = !listener.trusted_proxies.is_empty() && listener.trusts(origin.peer);
        let keeps_id = trusted && carries_request_id(head);
        let forwarding = Forwarding {
            peer: origin.peer,
            trusted,
            scheme: origin.scheme(),
            certificate: origin.secure.as_ref().map_or(&[], |secure| &secure.fields),
            node: &self.worker.shared.node,
            request_id: (!keeps_id).then_some(self.x.request_id),
            client_header: listener.client_header.as_deref(),
        };
        let options = RequestOptions {
            framing,
            merge_slashes: self.course.route.path.merge_slashes,
            upgrade: self.x.upgrade,
            fallback_host: self.course.pool.entry.pool.name.as_str(),
        };
        write::request(head, &forwarding, options, out);
    }
}

/// A request without its fields. `target` is empty, and lent for the path and the query.
fn request(x: &Exchange, course: &Course<'_>, target: &mut Vec<u8>) -> Option<Request<()>> {
    write::target(&x.head, course.route.path.merge_slashes, target);
    let named = x.head.authority();
    let fallback = course.pool.entry.pool.name.as_str();
    let authority = if named.is_empty() { fallback } else { named };
    let mut parts = http::uri::Parts::default();
    let encrypted = course.pool.entry.pool.tls.is_some();
    parts.scheme = Some(if encrypted { Scheme::HTTPS } else { Scheme::HTTP });
    parts.authority = Some(Authority::try_from(authority).ok()?);
    parts.path_and_query = Some(PathAndQuery::try_from(&target[..]).ok()?);
    let mut request = Request::new(());
    *request.method_mut() = Method::from_bytes(x.head.method().as_bytes()).ok()?;
    *request.uri_mut() = Uri::from_parts(parts).ok()?;
    Some(request)
}
