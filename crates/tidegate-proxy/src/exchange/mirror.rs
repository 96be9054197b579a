//! Step 8 of 8: copies of requests to stable, for the candidate of a rollout to answer too. Beside
//! `finish`, once all else is done.
//!
//! A copy is an exchange whose client sends nothing more and whose responses nobody reads. It is
//! begun once the original's response has gone out, so that the original cannot notice: what it
//! costs comes after. A copy is tried once, speaks for nobody's health, counts as nobody's demand,
//! and carries `x-mirror`, by which a server can leave out what must happen only once. There is no
//! queue: a request that comes while as many copies are under way as may be is not copied.

use std::rc::Rc;

use tidegate_core::http::body::Body;
use tidegate_core::http::head::BodyLength;
use tidegate_core::model::ids::{ListenerIndex, ReleaseIndex, RouteIndex};
use tidegate_core::model::rollout::{Mirror, Side};
use tidegate_core::signal::{Difference, Signal};
use tidegate_core::snapshot::Release;
use tidegate_core::telemetry::mirror::{MirrorCells, Uncopied};
use tidegate_core::time::Duration;
use tidegate_net::{clock, task};

use super::release::Meeting;
use super::state::Exchange;
use super::{Course, Taken, retry};
use crate::downstream::client::Client;
use crate::held::Held;
use crate::view::View;
use crate::wire::Wire;
use crate::worker::Worker;

/// The field that marks a copy.
const MARK: &str = "x-mirror";
/// Differences that a core tells of are at least so far apart; more of the kind are only counted.
const TELL_EVERY: Duration = Duration::from_millis(100);
/// Bytes of a path that a difference is told with.
const PATH_MAX: usize = 256;

/// A copy, and where it goes.
struct Copy {
    view: Rc<View>,
    listener: ListenerIndex,
    route: RouteIndex,
    release: ReleaseIndex,
    client: Client,
    exchange: Box<Exchange>,
    original: Answered,
    _place: Place,
}

/// Counts a copy among those of its core while it lives, however it ends.
struct Place(Rc<Worker>);

impl Place {
    fn take(worker: &Rc<Worker>) -> Self {
        worker.copies.set(worker.copies.get() + 1);
        Self(Rc::clone(worker))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.copies.set(self.0.copies.get() - 1);
    }
}

/// What is compared of an original and its copy.
#[derive(Clone, Copy, Debug)]
struct Answered {
    status: u16,
    /// To the first byte of the response.
    latency: Duration,
}

impl Answered {
    /// How an exchange was answered, if a server has answered it whole.
    fn of(x: &Exchange) -> Option<Self> {
        let latency = x.marks.first_byte?.since(x.started);
        Some(Self { status: x.status.filter(|_| x.error.is_none())?, latency })
    }
}

/// Begins the copy of a request whose response has gone out, if it is to have one.
pub(super) fn begin(
    worker: &Rc<Worker>,
    (view, listener): (&Rc<View>, ListenerIndex),
    client: &Client,
    x: &mut Exchange,
    taken: &Taken<'_>,
) {
    let Some((meeting, mirror)) = mirrored(x, taken) else { return };
    let Some(original) = Answered::of(x) else { return };
    let cells = view.mirror_cells(meeting.index);
    let Some(body) = body_of(x, mirror) else { return cells.leave_out(Uncopied::Body) };
    if worker.copies.get() >= mirror.at_once {
        return cells.leave_out(Uncopied::Busy);
    }
    let copy = Copy {
        view: Rc::clone(view),
        listener,
        route: taken.index,
        release: meeting.index,
        client: Client {
            wire: Wire::Sink,
            input: body,
            deadline: worker.deadlines.register(),
            origin: Rc::clone(&client.origin),
        },
        exchange: repeat(worker, x, mirror.timeout),
        original,
        _place: Place::take(worker),
    };
    let worker = Rc::clone(worker);
    task::spawn_local("mirror", move || run(worker, copy));
}

/// The copying that a request is subject to, if it is to any.
fn mirrored<'a>(x: &Exchange, taken: &Taken<'a>) -> Option<(Meeting<'a>, &'a Mirror)> {
    let meeting = taken.meeting.filter(|one| one.side == Side::Stable)?;
    let Release { division, rollout, .. } = meeting.release;
    let mirror = rollout.mirror.as_ref()?;
    let method = x.head.method();
    let wanted = division.copies(meeting.user?, mirror)
        && mirror.methods.iter().any(|one| one == method)
        && !x.upgrade;
    wanted.then_some((meeting, mirror))
}

/// The body of a request, as its client sent it; `None` when it was not kept whole.
fn body_of(x: &Exchange, mirror: &Mirror) -> Option<Held> {
    let mut body = Held::default();
    match x.head.body() {
        BodyLength::Empty | BodyLength::Exact(0) => Some(body),
        BodyLength::Exact(bytes) if x.replayable && bytes <= mirror.body_bytes => {
            body.append(x.to_server.all().get(x.head_kept..)?);
            (body.waiting().len() as u64 == bytes).then_some(body)
        }
        _ => None,
    }
}

/// The same request in an exchange of its own. The original gives its head away: it is over.
fn repeat(worker: &Worker, x: &mut Exchange, lasts: Duration) -> Box<Exchange> {
    let mut copy = worker.take_exchange();
    std::mem::swap(&mut copy.head, &mut x.head);
    copy.head.fields_mut().set(MARK, b"1").expect("a digit is a value");
    copy.request_body = Body::new(copy.head.body());
    copy.request_id = x.request_id;
    copy.client = x.client;
    copy.lasts = Some(lasts);
    copy.started = clock::now();
    copy
}

async fn run(worker: Rc<Worker>, mut copy: Copy) {
    std::future::poll_fn(|context| {
        copy.client.deadline.attach(context.waker());
        std::task::Poll::Ready(())
    })
    .await;
    let view = Rc::clone(&copy.view);
    let release = view.snapshot.release(copy.release);
    let course = Course {
        listener: view.snapshot.listener(copy.listener),
        route: view.snapshot.route(copy.route),
        pool: view.pool(release.candidate),
        home: view.pool(release.stable),
    };
    let cells = view.mirror_cells(copy.release);
    cells.copies.increment();
    let Copy { client, exchange: x, .. } = &mut copy;
    let answered = retry::once(&worker, client, x, &course).await;
    match answered.ok().and_then(|()| Answered::of(x)) {
        Some(answered) => compare(&worker, cells, &copy, answered),
        None => cells.failed.increment(),
    }
    worker.give_exchange(copy.exchange);
}

fn compare(worker: &Worker, cells: &MirrorCells, copy: &Copy, answered: Answered) {
    let original = copy.original;
    cells.original.observe(original.latency);
    cells.copy.observe(answered.latency);
    if answered.status == original.status {
        return;
    }
    cells.differing.increment();
    let now = clock::now();
    if now < worker.tell_from.get() {
        return;
    }
    worker.tell_from.set(now + TELL_EVERY);
    let head = &copy.exchange.head;
    let path = head.path();
    let end = path.floor_char_boundary(PATH_MAX);
    worker.signal(Signal::Differed(Box::new(Difference {
        rollout: copy.view.snapshot.release(copy.release).rollout.name.clone(),
        method: head.method().to_owned(),
        path: path[..end].to_owned(),
        statuses: [original.status, answered.status],
        latencies: [original.latency, answered.latency],
    })));
}
