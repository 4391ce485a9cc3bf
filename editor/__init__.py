"""The Flask app: people, notes, pages, and the sockets that carry what they type."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from editor.config import Config


def create_app(config: "Config") -> "Flask":
    """Everything, wired together. It opens nothing yet: connections begin with the first request."""
    # Imported here, so that `palimpsest serve` can patch the standard library for gevent before anything uses it.
    from flask import Flask

    from editor import assets, auth, body, database, digest, errors, loop, metrics, pages, security, sittings, sockets
    from editor.content.schema import ROOTS
    from editor.documents import documents
    from editor.entries import entries
    from editor.erasures import erasures
    from editor.fan_out import FanOut
    from editor.follower import Follower
    from editor.guests import guests
    from editor.health import health
    from editor.history import history
    from editor.me import me
    from editor.repairs import repairs
    from editor.retention import Retention
    from editor.settings import settings
    from editor.shares import shares
    from editor.sql_store import SqlStore
    from editor.states import states
    from editor.versions import versions
    from sync.broker import Broker, LocalBroker
    from sync.rooms import Rooms

    app = Flask(__name__, static_folder=None)
    app.config.update(security.settings(config))

    engine = database.connect(config.database_url, hurried=True)
    database.install(app, engine)
    store = SqlStore(engine)
    redis = None
    if config.redis_url:
        from editor.redis_broker import RedisBroker

        redis = RedisBroker(config.redis_url)
    broker: Broker = redis or LocalBroker()
    capacity = config.limits.capacity
    fan_out = FanOut()
    rooms = Rooms(
        store, broker, ROOTS, pause=loop.pause, later=loop.later, capacity=capacity, show=fan_out.show
    )
    followers = [
        Follower(app, loop.later, digest.refresh, digest.DELAY),
        Follower(app, loop.later, sittings.catch_up, sittings.DELAY),
    ]

    def committed(document_id: str, seq: int) -> None:
        for follower in followers:
            follower.committed(document_id, seq)

    rooms.on_committed = committed
    rooms.on_filling = lambda document_id, filled: app.extensions["sockets"].tell_filling(document_id, filled)
    app.extensions.update(
        config=config, store=store, broker=broker, rooms=rooms, retention=Retention(app, loop.later)
    )

    errors.register(app, pages.problem_page)
    numbers = metrics.register(app)
    store.watch(numbers.committed)
    store.on_replaced = rooms.reload_all
    rooms.on_opened = numbers.replayed.note
    security.register(app)
    body.register(app)
    auth.register(app)
    pages.register(app)
    resources = (
        assets.assets, documents, entries, erasures, guests, health, history, me, repairs, settings, shares, states,
        versions,
    )  # fmt: skip
    for resource in resources:
        app.register_blueprint(resource)
    security.limit(app, config.redis_url)
    sockets.register(app, rooms, broker, fan_out)
    if redis is not None:
        from editor.watch import Watch

        app.extensions["watch"] = Watch(app, rooms, redis)
    security.trust_proxies(app, config.trusted_proxies)
    return app
