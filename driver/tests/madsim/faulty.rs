//! A store in memory that misbehaves within what passive stores do.
//!
//! Every operation runs on the store's own node: once it is on its way, neither the death nor the patience of
//! the one who asked can stop it.

use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_channel::oneshot;
use futures_util::{StreamExt, TryStreamExt, future, stream, stream::BoxStream};
use madsim::{
    rand::{Rng, thread_rng},
    runtime::NodeHandle,
    time::sleep,
};
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
    path::Path,
};

use crate::{ledger::Ledger, memory::Memory};

/// How often what goes wrong, of a thousand operations each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    /// Takes up to a second rather than up to twenty milliseconds.
    pub(crate) slow: u32,
    /// Refused, and nothing was done.
    pub(crate) refused: u32,
    /// Done, and reported as failed.
    pub(crate) failed_after: u32,
    /// Done or not, and never answered.
    pub(crate) lost: u32,
}

pub(crate) const STORM: Weather = Weather {
    slow: 40,
    refused: 30,
    failed_after: 30,
    lost: 20,
};

/// Nothing is refused and nothing lost.
pub(crate) const LAGGING: Weather = Weather {
    slow: 20,
    refused: 0,
    failed_after: 0,
    lost: 0,
};

/// Everything takes half a second, give or take.
pub(crate) const SLOW: Weather = Weather {
    slow: 1000,
    refused: 0,
    failed_after: 0,
    lost: 0,
};

/// Every tenth operation is refused, so that the marks of starts are missing on some store.
pub(crate) const TWINS: Weather = Weather {
    slow: 60,
    refused: 100,
    failed_after: 10,
    lost: 10,
};

/// What went wrong, counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) operations: u64,
    pub(crate) slow: u64,
    pub(crate) refused: u64,
    pub(crate) failed_after: u64,
    pub(crate) lost: u64,
    pub(crate) outages: u64,
    /// Effects of writes that nobody waited for any more.
    pub(crate) late: u64,
    /// Operations of an agent for whom a store lagged.
    pub(crate) lagged: u64,
    /// Listings that something was written into while they were made.
    pub(crate) stale_pages: u64,
    /// Operations on a store that has lost everything, for a while or for good.
    pub(crate) emptied: u64,
    /// Starts of agents that ended because a later one had begun.
    pub(crate) fenced: u64,
    pub(crate) kills: u64,
    pub(crate) pauses: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        self.operations += other.operations;
        self.slow += other.slow;
        self.refused += other.refused;
        self.failed_after += other.failed_after;
        self.lost += other.lost;
        self.outages += other.outages;
        self.late += other.late;
        self.lagged += other.lagged;
        self.stale_pages += other.stale_pages;
        self.emptied += other.emptied;
        self.fenced += other.fenced;
        self.kills += other.kills;
        self.pauses += other.pauses;
    }
}

/// A store on a node of its own.
#[derive(Clone)]
pub(crate) struct Faulty {
    objects: Memory,
    /// What stands in the place of the store that was there: nothing, at first.
    hollow: Arc<Mutex<Option<Memory>>>,
    /// All that ever stood in its place.
    hollows: Arc<Mutex<Vec<Memory>>>,
    /// Conditions of puts that it takes and ignores.
    lax: Arc<Mutex<Option<Lax>>>,
    node: NodeHandle,
    weather: Arc<Mutex<Weather>>,
    down: Arc<AtomicBool>,
    /// Agents for whom this store lags, a bit each.
    lags: Arc<AtomicU64>,
    /// Whose way to the store this is.
    agent: u16,
    tally: Arc<Mutex<Tally>>,
    ledger: Ledger,
    place: usize,
}

/// Conditions that a store ignores.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lax {
    /// That nothing stands there.
    Creates,
    /// That what stands there is what the writer has read.
    Updates,
}

/// What became of an operation before its answer.
enum Way {
    /// Nothing is done.
    Refused,
    /// It is done and answered.
    Answered,
    FailedAfter,
    Lost,
}

impl Faulty {
    pub(crate) fn new(
        node: NodeHandle,
        weather: Weather,
        tally: Arc<Mutex<Tally>>,
        ledger: Ledger,
        place: usize,
    ) -> Self {
        Self {
            objects: Memory::default(),
            hollow: Arc::default(),
            hollows: Arc::default(),
            lax: Arc::default(),
            node,
            weather: Arc::new(Mutex::new(weather)),
            down: Arc::default(),
            lags: Arc::default(),
            agent: 0,
            tally,
            ledger,
            place,
        }
    }

    /// An agent's way to the same store.
    pub(crate) fn way_of(&self, agent: u16) -> Self {
        Self {
            agent,
            ..self.clone()
        }
    }

    /// Begins or ends a time in which most of what an agent asks of this store comes late.
    pub(crate) fn set_lag(&self, agent: u16, lags: bool) {
        if lags {
            self.lags.fetch_or(1 << agent, Ordering::SeqCst);
        } else {
            self.lags.fetch_and(!(1 << agent), Ordering::SeqCst);
        }
    }

    /// From now on nothing goes wrong.
    pub(crate) fn heal(&self) {
        *self.weather.lock().unwrap() = Weather {
            slow: 0,
            refused: 0,
            failed_after: 0,
            lost: 0,
        };
        self.down.store(false, Ordering::SeqCst);
        self.lags.store(0, Ordering::SeqCst);
    }

    /// From now on the store is an empty one, until it comes back.
    pub(crate) fn vanish(&self) {
        let hollow = Memory::default();
        self.hollows.lock().unwrap().push(hollow.clone());
        *self.hollow.lock().unwrap() = Some(hollow);
    }

    /// The store that was there is there again.
    pub(crate) fn come_back(&self) {
        *self.hollow.lock().unwrap() = None;
    }

    /// From now on some conditions of puts are not looked at.
    pub(crate) fn ignore(&self, lax: Lax) {
        *self.lax.lock().unwrap() = Some(lax);
    }

    /// The store that was there, and after it all that ever stood in its place.
    pub(crate) fn memories(&self) -> Vec<Memory> {
        let mut memories = vec![self.objects.clone()];
        memories.extend(self.hollows.lock().unwrap().iter().cloned());
        memories
    }

    /// What stands here just now, and whether it is the store that was there.
    fn standing(&self) -> (Memory, bool) {
        let hollow = self.hollow.lock().unwrap().clone();
        match hollow {
            Some(hollow) => {
                self.tally.lock().unwrap().emptied += 1;
                (hollow, false)
            }
            None => (self.objects.clone(), true),
        }
    }

    /// A page after the other, in the order of names: what is written meanwhile stands in the later ones.
    async fn pages(self, prefix: Option<Path>) -> Result<Vec<ObjectMeta>> {
        let mut first = self.names(prefix.as_ref()).await?;
        let (page, pause) = {
            let mut dice = thread_rng();
            (
                dice.gen_range(0..=first.len()),
                dice.gen_range(1_000..20_000),
            )
        };
        sleep(Duration::from_micros(pause)).await;
        let mut later = self.names(prefix.as_ref()).await?;
        if later != first {
            self.tally.lock().unwrap().stale_pages += 1;
        }
        if let Some(start) = first.get(page).map(|meta| meta.location.clone()) {
            later.retain(|meta| meta.location >= start);
            first.truncate(page);
            first.extend(later);
        }
        Ok(first)
    }

    async fn names(&self, prefix: Option<&Path>) -> Result<Vec<ObjectMeta>> {
        let (objects, _) = self.standing();
        let mut metas = objects.list(self.agent, prefix).await?;
        metas.sort_unstable_by(|a, b| a.location.cmp(&b.location));
        Ok(metas)
    }

    /// While down, nothing is done and nothing answered.
    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    async fn serve<T, W>(&self, is_write: bool, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: Future<Output = Result<T>> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let (weather, down, tally) = (
            *self.weather.lock().unwrap(),
            Arc::clone(&self.down),
            Arc::clone(&self.tally),
        );
        let lags = self.lags.load(Ordering::SeqCst) >> self.agent & 1 == 1;
        let (before, after, way) = draw(weather, lags, &tally);
        drop(self.node.spawn(async move {
            sleep(before).await;
            if down.load(Ordering::SeqCst) {
                tally.lock().unwrap().outages += 1;
                return future::pending().await;
            }
            let mut done = match way {
                Way::Refused => Err(refusal("refused")),
                Way::Answered | Way::FailedAfter | Way::Lost => {
                    if is_write && answer_gone(&answer) {
                        tally.lock().unwrap().late += 1;
                    }
                    work.await
                }
            };
            sleep(after).await;
            match way {
                Way::Lost => return future::pending().await,
                Way::FailedAfter => done = Err(refusal("failed, nobody knows how")),
                Way::Refused | Way::Answered => {}
            }
            let _ = answer.send(done);
        }));
        match answered.await {
            Ok(done) => done,
            Err(_) => future::pending().await,
        }
    }
}

fn answer_gone<T>(answer: &oneshot::Sender<T>) -> bool {
    answer.is_canceled()
}

fn draw(weather: Weather, lags: bool, tally: &Mutex<Tally>) -> (Duration, Duration, Way) {
    let mut dice = thread_rng();
    let mut tally = tally.lock().unwrap();
    tally.operations += 1;
    let mut hits = |of_thousand: u32| dice.gen_range(0..1000) < of_thousand;
    let slow = hits(if lags { 600 } else { weather.slow });
    tally.lagged += u64::from(lags);
    tally.slow += u64::from(slow);
    let way = if hits(weather.refused) {
        tally.refused += 1;
        Way::Refused
    } else if hits(weather.failed_after) {
        tally.failed_after += 1;
        Way::FailedAfter
    } else if hits(weather.lost) {
        tally.lost += 1;
        Way::Lost
    } else {
        Way::Answered
    };
    let longest = if slow { 1_000_000 } else { 20_000 };
    let mut pause = || Duration::from_micros(dice.gen_range(1_000..=longest));
    (pause(), pause() / 4, way)
}

const fn is_conditional(options: &GetOptions) -> bool {
    options.if_match.is_some()
        || options.if_none_match.is_some()
        || options.if_modified_since.is_some()
        || options.if_unmodified_since.is_some()
        || options.version.is_some()
}

fn refusal(why: &str) -> Error {
    Error::Generic {
        store: "faulty",
        source: why.into(),
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let (this, location) = (self.clone(), location.clone());
        let mut options = options;
        let ignored = match *self.lax.lock().unwrap() {
            Some(Lax::Creates) => options.mode == PutMode::Create,
            Some(Lax::Updates) => matches!(options.mode, PutMode::Update(_)),
            None => false,
        };
        if ignored {
            options.mode = PutMode::Overwrite;
        }
        let work = async move {
            let bytes: Bytes = payload.clone().into();
            let (objects, stays) = this.standing();
            let done = objects.put(this.agent, &location, payload, options).await;
            if done.is_ok() && stays {
                this.ledger.put(this.place, &location, &bytes);
            }
            done
        };
        self.serve(true, work).await
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(refusal("blocks are put whole"))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if options.head || options.range.is_some() || is_conditional(&options) {
            return Err(refusal("objects are read whole"));
        }
        let (this, location) = (self.clone(), location.clone());
        let work = async move { this.standing().0.get(this.agent, &location).await };
        self.serve(false, work).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let this = self.clone();
        locations
            .then(move |location| {
                let this = this.clone();
                async move {
                    let location = location?;
                    let store = this.clone();
                    let work = async move {
                        let (objects, stays) = store.standing();
                        if stays {
                            store.ledger.remove(store.place, &location);
                        }
                        objects.delete(store.agent, location).await
                    };
                    this.serve(true, work).await
                }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (this, prefix) = (self.clone(), prefix.cloned());
        stream::once(async move {
            let metas = this.serve(false, this.clone().pages(prefix)).await?;
            Ok::<_, Error>(stream::iter(metas.into_iter().map(Ok)))
        })
        .try_flatten()
        .boxed()
    }

    async fn list_with_delimiter(&self, _: Option<&Path>) -> Result<ListResult> {
        Err(refusal("folders are listed whole"))
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(refusal("nothing is copied"))
    }
}

impl fmt::Debug for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Faulty")
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("faulty memory")
    }
}
