"""Messages that go out: rows with a state, tried again, given up with a reason, never lost."""

from __future__ import annotations

import hashlib
import hmac
import json
import smtplib
import threading
from datetime import datetime, time, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import User
from cases.workflow import State
from common.errors import DomainError
from live.notifications.deliveries import LEASE, delivery_claim, delivery_retry
from live.notifications.gateways import Message, SendingFailed
from live.notifications.gateways.webhook import WebhookGateway, checked_address, is_public
from live.notifications.models import (
    Delivery,
    Notification,
    NotificationPolicy,
    NotificationRule,
)
from live.notifications.rules import MOST_ATTEMPTS, pause_after
from live.notifications.selectors import notifications_watch
from live.notifications.services import notifications_forget, preference_set
from live.services import events_sequence
from live.tasks import send_deliveries
from tests.cast import NOW, Cast, Story
from tests.notices import read_log, rules_of, send_all, system_event

pytestmark = pytest.mark.django_db
HERE = "tests.api.test_deliveries"
LATER = NOW + timedelta(minutes=2)  # when what was collected goes out


class Scripted:
    """A gateway that does what the test says, message by message; then takes everything."""

    script: ClassVar[list[SendingFailed]] = []
    taken: ClassVar[list[Message]] = []

    def send(self, message: Message) -> str:
        self.taken.append(message)
        if self.script:
            raise self.script.pop(0)
        return f"number-{len(self.taken)}"


def unreachable() -> SendingFailed:
    return SendingFailed(Delivery.Reason.UNREACHABLE, "HTTP 503")


@pytest.fixture(autouse=True)
def channels(cast: Cast, settings) -> None:
    """Everybody has an address; text messages go to the scripted gateway, mails to the outbox."""
    settings.NOTIFICATION_EMAIL = True
    settings.NOTIFICATION_GATEWAY = f"{HERE}.Scripted"
    Scripted.script.clear()
    Scripted.taken.clear()
    for number, person in enumerate(User.objects.all()):
        person.email, person.phone = f"{person.username}@city.example", f"1380000{number:04d}"
        person.save()
    rules_of(cast)
    NotificationRule.objects.exclude(code__in=("breached", "urged")).update(is_active=False)


def in_gardens(cast: Cast, now: datetime = NOW) -> Story:
    """A case that the gardens handle."""
    story = Story(cast, now=now).walk_to(State.FILED)
    story.act("dispatch", cast.dispatcher_li, department="gardens")
    return story


def only_by(channel: str) -> None:
    NotificationPolicy.objects.update(channels=[channel])


def breach(story: Story, at: datetime = NOW) -> None:
    """A breach that goes to the heads of the gardens: one person, both channels."""
    body = story.cast.bodies["gardens"].pk
    system_event(story, "breach", at, clock="handle", organisation=body, roles=["department_head"])


def one_message(cast: Cast, channel: str = "sms") -> Delivery:
    """Return the one message there is to send."""
    only_by(channel)
    breach(in_gardens(cast))
    read_log()
    return Delivery.objects.get()


# ── what is queued ────────────────────────────────────────────────────────────────────────────


def test_fifty_warnings_in_a_minute_become_one_mail_and_one_text_message(cast):
    story = in_gardens(cast)
    for _each in range(30):
        breach(story)
    read_log()
    for _each in range(20):
        breach(story)
    read_log(NOW + timedelta(seconds=40))
    told = Notification.objects.filter(person__username="head_shu")
    assert told.count() == 50
    sent = send_all(LATER)
    assert sorted((one.channel, one.state) for one in sent) == [("email", "sent"), ("sms", "sent")]
    assert {len(one.notification_ids) for one in sent} == {50}
    (letter,) = mail.outbox
    assert letter.subject == "处置已超时：暴露垃圾 · 古荡路 1 号（等 50 件）"
    assert Scripted.taken[0].body.endswith("，另有 49 件，详见消息页")


def test_what_comes_after_a_message_was_sent_goes_into_another(cast):
    story = in_gardens(cast)
    breach(story)
    read_log()
    send_all(LATER)
    breach(story)
    read_log(LATER)
    assert Delivery.objects.filter(channel="sms").count() == 2
    told = [pk for row in Delivery.objects.filter(channel="sms") for pk in row.notification_ids]
    assert len(told) == len(set(told)) == 2


def test_what_joins_a_message_put_off_by_quiet_hours_keeps_it_worth_sending(cast):
    only_by("sms")
    NotificationPolicy.objects.update(useful_hours=8)
    NotificationRule.objects.update(is_urgent=False)
    wishes = {"wants_email": True, "wants_sms": True, "language": ""}
    quiet = {"quiet_from": time(22), "quiet_to": time(7)}
    preference_set(person=cast.head_shu, **wishes, **quiet)
    evening = timezone.make_aware(datetime.combine(timezone.localdate(NOW), time(22, 30)))
    morning = evening + timedelta(hours=8, minutes=30)
    story = in_gardens(cast)
    breach(story, evening)  # of use until 6:30
    read_log(evening)
    breach(story, morning - timedelta(minutes=15))
    read_log(morning - timedelta(minutes=15))
    (sent,) = send_all(morning)
    assert (sent.state, len(sent.notification_ids)) == ("sent", 2)


def test_what_comes_while_a_failed_message_waits_again_goes_into_another(cast):
    NotificationRule.objects.update(is_urgent=False)
    delivery = one_message(cast)
    Scripted.script.append(SendingFailed(Delivery.Reason.REFUSED, "HTTP 400", is_permanent=True))
    send_all(LATER)
    delivery_retry(delivery_id=delivery.pk, now=LATER)  # its text was written at the first attempt
    breach(in_gardens(cast), LATER)
    read_log(LATER)
    again, fresh = send_all(LATER + timedelta(minutes=2))
    assert [len(each.notification_ids) for each in (again, fresh)] == [1, 1]
    assert {message.key for message in Scripted.taken} == {str(again.key), str(fresh.key)}


def test_urgent_news_goes_out_at_once_in_quiet_hours_too(cast):
    night = NOW.replace(hour=15)  # 23:00 in Hangzhou
    quiet(cast.head_shu)
    story = in_gardens(cast)
    body = cast.bodies["gardens"].pk
    system_event(story, "urge", night, organisation=body, roles=["department_head"])
    breach(story, night)
    read_log(night)
    assert {one.kind for one in send_all(night)} == {"urged"}
    assert send_all(night + timedelta(hours=7, minutes=59)) == []
    morning = night + timedelta(hours=8)  # 7:00
    assert {one.kind for one in send_all(morning)} == {"breached"}


def quiet(person: User) -> None:
    preference_set(
        person=person,
        wants_email=True,
        wants_sms=False,
        quiet_from=time(22),
        quiet_to=time(7),
        language="en",
    )


def test_a_person_is_told_only_as_they_wish_and_in_their_language(cast):
    quiet(cast.head_shu)
    breach(in_gardens(cast))
    read_log()
    sent = send_all(LATER)
    assert [one.channel for one in sent] == ["email"]
    assert mail.outbox[0].subject.startswith("Handling is overdue: ")


@pytest.mark.parametrize("lacks", ["email", "phone", "server", "city", "rule"])
def test_without_a_way_to_reach_somebody_the_inbox_alone_is_told(cast, settings, lacks):
    if lacks in ("email", "phone"):
        User.objects.update(email="", phone="")
    elif lacks == "server":
        settings.NOTIFICATION_EMAIL, settings.NOTIFICATION_GATEWAY = False, ""
    elif lacks == "city":
        NotificationPolicy.objects.update(channels=[])
    else:
        NotificationRule.objects.update(channels=[])
    breach(in_gardens(cast))
    read_log()
    assert Notification.objects.filter(person__username="head_shu").count() == 1
    assert not Delivery.objects.exists()


def test_old_news_is_not_sent_out(cast):
    story = in_gardens(cast, NOW - timedelta(days=2))
    breach(story, NOW - timedelta(hours=25))
    read_log()
    assert Notification.objects.filter(person__username="head_shu").exists()
    assert not Delivery.objects.exists()


# ── sending ───────────────────────────────────────────────────────────────────────────────────


def test_a_mail_is_sent_once_with_a_number_of_its_own(cast):
    delivery = one_message(cast, "email")
    (sent,) = send_all(LATER)
    assert (sent.pk, sent.state, sent.sent_at) == (delivery.pk, "sent", LATER)
    assert send_all(LATER + timedelta(days=2)) == []
    (letter,) = mail.outbox
    assert letter.to == ["head_shu@city.example"]
    assert letter.extra_headers["Message-ID"] == sent.provider_id
    assert str(delivery.key) in sent.provider_id
    assert "https://city.example/cases/" in letter.body


def test_a_failed_message_is_tried_again_ever_later_and_then_given_up(cast):
    delivery = one_message(cast)
    Scripted.script += [unreachable() for _each in range(MOST_ATTEMPTS)]
    now = LATER
    for attempt in range(1, MOST_ATTEMPTS):
        (tried,) = send_all(now)
        assert (tried.state, tried.attempts, tried.reason) == ("failed", attempt, "unreachable")
        assert tried.next_attempt_at == now + pause_after(attempt)
        assert send_all(now + pause_after(attempt) - timedelta(seconds=1)) == []
        now += pause_after(attempt)
    (tried,) = send_all(now)
    assert (tried.state, tried.detail, tried.next_attempt_at) == ("given_up", "HTTP 503", None)
    assert len({(one.key, one.body) for one in Scripted.taken}) == 1, "the same each time"
    assert len(Scripted.taken) == MOST_ATTEMPTS
    delivery_retry(delivery_id=delivery.pk, now=now)
    (sent,) = send_all(now)
    assert (sent.state, sent.attempts) == ("sent", 1)


def test_what_failed_in_the_evening_is_not_tried_again_in_quiet_hours(cast):
    wishes = {"wants_email": True, "wants_sms": True, "language": ""}
    preference_set(person=cast.head_shu, quiet_from=time(22), quiet_to=time(7), **wishes)
    only_by("sms")
    evening = timezone.make_aware(datetime.combine(timezone.localdate(NOW), time(21, 58)))
    breach(in_gardens(cast), evening)
    read_log(evening)
    Scripted.script.append(unreachable())
    (tried,) = send_all(evening + timedelta(seconds=100))
    assert (tried.state, tried.attempts, tried.reason) == ("queued", 1, "unreachable")
    morning = evening.replace(hour=7, minute=0) + timedelta(days=1)
    assert tried.next_attempt_at == morning
    assert not notifications_watch(morning - timedelta(hours=1)).is_sending_late
    (sent,) = send_all(morning)
    assert sent.state == "sent"


def test_what_was_refused_for_good_is_not_tried_again(cast):
    one_message(cast)
    Scripted.script.append(SendingFailed(Delivery.Reason.REFUSED, "HTTP 400", is_permanent=True))
    (tried,) = send_all(LATER)
    assert (tried.state, tried.reason, tried.attempts) == ("given_up", "refused", 1)


def test_only_a_message_that_failed_can_be_tried_again(cast):
    delivery = one_message(cast)
    for _state in ("queued", "sent"):
        with pytest.raises(DomainError) as refusal:
            delivery_retry(delivery_id=delivery.pk, now=NOW)
        assert refusal.value.code == "not_failed"
        send_all(LATER)


def test_a_sender_that_died_is_followed_by_another_when_its_lease_ends(cast):
    delivery = one_message(cast)
    claimed = delivery_claim(now=LATER)  # and then the worker is killed
    assert claimed is not None
    assert send_all(LATER + LEASE - timedelta(seconds=1)) == []
    (sent,) = send_all(LATER + LEASE)
    assert (sent.state, sent.attempts) == ("sent", 2)
    assert Scripted.taken[0].key == str(delivery.key)


def test_a_message_that_kills_every_sender_is_given_up(cast):
    one_message(cast)
    now = LATER
    for _each in range(MOST_ATTEMPTS):
        assert delivery_claim(now=now) is not None
        now += LEASE
    (tried,) = send_all(now)
    assert (tried.state, tried.reason) == ("given_up", "unknown")
    assert Scripted.taken == []


def test_a_late_sender_does_not_overwrite_who_took_over(cast, monkeypatch):
    delivery = one_message(cast)

    def slowly(self, message: Message) -> str:
        monkeypatch.undo()
        (other,) = send_all(LATER + LEASE)
        assert other.state == "sent"
        raise unreachable()

    monkeypatch.setattr(Scripted, "send", slowly)
    send_all(LATER)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, delivery.reason) == ("sent", 2, "unknown")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("useful", "too_late"),
        ("left", "left"),
        ("role", "not_visible"),
        ("server", "not_set_up"),
    ],
)
def test_what_makes_no_sense_any_more_is_given_up_with_the_reason(cast, settings, change, reason):
    story = in_gardens(cast)
    only_by("sms")
    breach(story)
    read_log()
    head = User.objects.get(username="head_shu")
    now = LATER
    if change == "useful":
        now = NOW + timedelta(hours=24)
    elif change == "left":
        User.objects.filter(pk=head.pk).update(is_active=False)
    elif change == "role":
        head.groups.clear()
    else:
        settings.NOTIFICATION_GATEWAY = ""
    (tried,) = send_all(now)
    assert (tried.state, tried.reason) == ("given_up", reason)
    assert Scripted.taken == []


def test_a_service_that_is_down_rests_and_the_other_channel_goes_on(cast):
    story = in_gardens(cast)
    a_while_ago = timezone.now() - timedelta(minutes=5)
    for _each in range(6):
        breach(story, a_while_ago)
    read_log(a_while_ago)
    split_text_messages()
    Scripted.script += [unreachable() for _each in range(50)]
    sent = send_deliveries()
    assert len(Scripted.taken) == 3, "after three failures in a row it is left alone"
    assert sent == Delivery.objects.filter(channel="email", state="sent").count() == 1


def split_text_messages() -> None:
    """Make one message of each notification, as if each had come in a minute of its own."""
    first = Delivery.objects.filter(channel="sms").first()
    assert first is not None
    for pk in first.notification_ids[1:]:
        Delivery.objects.create(
            person=first.person,
            channel="sms",
            kind=first.kind,
            notification_ids=[pk],
            address=first.address,
            language=first.language,
            created_at=first.created_at,
            useful_until=first.useful_until,
            next_attempt_at=first.next_attempt_at,
        )


# ── mail servers ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("error", "state", "reason"),
    [
        (smtplib.SMTPRecipientsRefused({"x": (550, b"unknown")}), "given_up", "refused"),
        (smtplib.SMTPRecipientsRefused({"x": (451, b"later")}), "failed", "refused"),
        (smtplib.SMTPDataError(554, b"spam"), "given_up", "refused"),
        (smtplib.SMTPAuthenticationError(535, b"password"), "failed", "refused"),
        (smtplib.SMTPServerDisconnected("gone"), "failed", "unreachable"),
        (TimeoutError(), "failed", "unreachable"),
    ],
)
def test_what_a_mail_server_says_decides_whether_it_is_asked_again(
    cast, monkeypatch, error, state, reason
):
    one_message(cast, "email")

    def refuse(backend: Any, messages: Any) -> int:
        raise error

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", refuse)
    (tried,) = send_all(LATER)
    assert (tried.state, tried.reason) == (state, reason)


# ── the gateway over HTTP ─────────────────────────────────────────────────────────────────────


class Service(BaseHTTPRequestHandler):
    """A service for text messages: keeps what it got, answers as told."""

    got: ClassVar[list[tuple[str, dict[str, str], bytes]]] = []
    answers: ClassVar[list[tuple[int, bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.got.append((self.path, dict(self.headers.items()), body))
        status, answer = self.answers.pop(0) if self.answers else (200, b'{"id": "abc"}')
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "http://127.0.0.1:1/")
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def service(settings):
    """The service on this machine, and the settings that name it."""
    Service.got.clear()
    Service.answers.clear()
    server = HTTPServer(("127.0.0.1", 0), Service)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    settings.NOTIFICATION_GATEWAY = "live.notifications.gateways.webhook.WebhookGateway"
    settings.NOTIFICATION_GATEWAY_URL = f"http://localhost:{server.server_port}/send?city=hz"
    settings.NOTIFICATION_GATEWAY_SECRET = "not for everybody"
    settings.NOTIFICATION_PRIVATE_ADDRESSES = True
    yield Service
    server.shutdown()
    thread.join(10)
    server.server_close()


def test_the_gateway_gets_a_signed_message_with_the_same_key_at_every_attempt(cast, service):
    delivery = one_message(cast)
    service.answers.append((503, b"busy"))
    (tried,) = send_all(LATER)
    assert (tried.state, tried.reason, tried.detail) == ("failed", "unreachable", "HTTP 503")
    (sent,) = send_all(tried.next_attempt_at)
    assert (sent.state, sent.provider_id) == ("sent", "abc")
    assert len(service.got) == 2
    for path, headers, body in service.got:
        assert path == "/send?city=hz"
        assert headers["Idempotency-Key"] == str(delivery.key)
        signed = hmac.new(b"not for everybody", digestmod=hashlib.sha256)
        signed.update(headers["X-Timestamp"].encode() + b"." + body)
        assert headers["X-Signature"] == f"sha256={signed.hexdigest()}"
        content = json.loads(body)
        assert (content["id"], content["to"]) == (str(delivery.key), delivery.address)
    assert service.got[0][2] == service.got[1][2]


@pytest.mark.parametrize(
    ("status", "answer", "state", "number"),
    [
        (200, b"", "sent", ""),
        (202, b'{"id": 17}', "sent", "17"),
        (200, b"[1]", "sent", ""),
        (200, b"\xff\xfe", "sent", ""),
        (302, b"", "given_up", ""),  # a redirect is not followed
        (400, b"{}", "given_up", ""),
        (429, b"", "failed", ""),
        (500, b"", "failed", ""),
    ],
)
def test_what_the_service_answers_decides(cast, service, status, answer, state, number):
    one_message(cast)
    service.answers.append((status, answer))
    (tried,) = send_all(LATER)
    assert (tried.state, tried.provider_id) == (state, number)
    assert len(service.got) == 1


def test_a_service_that_is_not_there_is_asked_again(cast, service, settings):
    settings.NOTIFICATION_GATEWAY_URL = "http://127.0.0.1:1/"
    one_message(cast)
    (tried,) = send_all(LATER)
    assert (tried.state, tried.reason) == ("failed", "unreachable")


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://localhost/",
        "https://[::1]/",
        "https://10.1.2.3/",
        "https://192.168.0.1:8443/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::ffff:10.0.0.1]/",
        "https://0.0.0.0/",
        "http://93.184.216.34/",  # public, but not TLS
        "ftp://93.184.216.34/",
        "https:///nowhere",
        "",
    ],
)
def test_the_gateway_reaches_into_no_private_network(cast, settings, url):
    settings.NOTIFICATION_GATEWAY_URL = url
    settings.NOTIFICATION_PRIVATE_ADDRESSES = False
    with pytest.raises(SendingFailed) as failure:
        WebhookGateway().send(Message("key", "138", "", "text", False))
    assert failure.value.reason == "not_set_up"


def test_public_addresses_are_told_from_private_ones():
    assert is_public("93.184.216.34")
    assert is_public("2606:2800:220:1:248:1893:25c8:1946")
    assert not is_public("224.0.0.1")
    assert not is_public("fe80::1%eth0")
    assert checked_address("127.0.0.1", 443, is_private_allowed=True) == "127.0.0.1"


# ── what is kept, and how it stands ───────────────────────────────────────────────────────────


def test_what_is_old_is_forgotten_addresses_first(cast):
    body = cast.bodies["gardens"].pk
    system_event(in_gardens(cast), "breach", organisation=body, roles=[])
    read_log()
    Notification.objects.filter(person__username="head_shu").update(read_at=NOW)
    unread = Notification.objects.filter(read_at=None).count()
    assert unread
    assert sum(notifications_forget(now=NOW + timedelta(days=30)).values()) == 0
    forgotten = notifications_forget(now=NOW + timedelta(days=30, seconds=1))
    assert forgotten == {"notifications": 1, "deliveries": 4}
    assert not Delivery.objects.exists()
    notifications_forget(now=NOW + timedelta(days=90))
    assert Notification.objects.count() == unread
    notifications_forget(now=NOW + timedelta(days=90, seconds=1))
    assert not Notification.objects.exists()


def test_the_watch_sees_what_is_not_read_and_what_is_not_sent(cast, client):
    story = in_gardens(cast)
    read_log()
    breach(story)
    assert not notifications_watch(NOW + timedelta(minutes=3)).late_readers, "not numbered yet"
    read_log()
    Story(cast, metres=4)
    assert notifications_watch(NOW + timedelta(minutes=3)).is_well
    events_sequence()
    (late,) = notifications_watch(NOW + timedelta(minutes=3)).late_readers
    assert (late.name, late.behind) == ("notifications", 1)
    read_log()
    assert not notifications_watch(NOW + timedelta(minutes=15)).is_sending_late
    watch = notifications_watch(NOW + timedelta(minutes=17))
    assert watch.is_sending_late
    assert not watch.is_well
    assert "notifications" in client.get("/-/ready").json()["degraded"]
    send_all(LATER)
    assert notifications_watch(NOW + timedelta(minutes=17)).is_well
