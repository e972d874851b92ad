"""Health and metrics of a real node, and that mail does not need them."""

import json
import os
import signal
import smtplib
import urllib.error
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

from tests.node.running import RunningNode

CONSOLE = "health and metrics on"
SETTINGS = '[organization]\ndomains = ["corp.test"]\n'
MESSAGE = "Subject: x\r\n\r\nx\r\n"


def get(node: RunningNode, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{node.port(CONSOLE)}{path}", timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def numbers(node: RunningNode) -> dict[str, float]:
    status, text = get(node, "/metrics")
    assert status == 200
    return {
        f"{sample.name}{json.dumps(sample.labels) if sample.labels else ''}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def ready(node: RunningNode) -> bool:
    return get(node, "/health/ready") == (200, "ready\n")


def begin(node: RunningNode, *, workers: int = 1) -> None:
    """Start it with settings, and a resolver that nobody answers as."""
    node.config.write_text(
        node.config.read_text().replace("[node]\n", f"[node]\nworkers = {workers}\n")
        + '[dns]\nservers = ["127.0.0.1:1"]\n'
    )
    (node.folder / "settings.toml").write_text(SETTINGS)
    node.verb("settings", "apply", "settings.toml")
    node.start()
    node.until(lambda: ready(node), "it is ready")


def test_numbers_tell_what_happened(node: RunningNode) -> None:
    begin(node)
    assert get(node, "/health/live") == (200, "live\n")
    with smtplib.SMTP("127.0.0.1", node.port(), timeout=10) as client:
        client.sendmail("anna@corp.test", ["bob@bank.test"], MESSAGE)
        node.until(lambda: numbers(node)['percorso_recipients_total{"status": "deferred"}'] == 1, "it is tried")
        told = numbers(node)
    assert told['percorso_messages_total{"answer": "accepted"}'] == 1
    assert told['percorso_clients_total{"answer": "accepted"}'] == 1
    assert told["percorso_clients_open"] == 1
    assert told['percorso_queue{"state": "queued"}'] == 1
    assert told["percorso_queue_oldest_seconds"] > 0
    assert told['percorso_evidence_records{"chain": "gate.corp.test/0"}'] == 1
    assert told["percorso_workers"] == 1
    assert told["percorso_commit_seconds_count"] == told["percorso_commit_work_count"] >= 2
    assert not any(word in get(node, "/metrics")[1] for word in ("bank.test", "anna"))
    node.until(lambda: numbers(node)["percorso_clients_open"] == 0, "the client is gone")


def test_counts_survive_a_worker_and_readiness_does_not(node: RunningNode) -> None:
    begin(node, workers=2)
    with smtplib.SMTP("127.0.0.1", node.port(), timeout=10) as client:
        client.sendmail("anna@corp.test", ["bob@bank.test"], MESSAGE)
    victims = node.workers()[:2]
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    node.until(lambda: not set(victims) & set(node.workers()), "they are gone")
    node.until(lambda: ready(node), "others take their place")
    assert numbers(node)['percorso_messages_total{"answer": "accepted"}'] == 1


def test_mail_goes_on_without_the_process_that_answers(node: RunningNode) -> None:
    begin(node)
    (*_, answering) = node.workers()
    os.kill(answering, signal.SIGKILL)
    with smtplib.SMTP("127.0.0.1", node.port(), timeout=10) as client:
        client.sendmail("anna@corp.test", ["bob@bank.test"], MESSAGE)
    node.until(lambda: ready(node), "it answers again")
    assert numbers(node)['percorso_messages_total{"answer": "accepted"}'] == 1
    assert node.stop() == 0


def test_the_address_is_taken(node: RunningNode) -> None:
    begin(node)
    other = RunningNode(node.folder / "other")
    config = other.config.read_text().replace('[console]\naddress = "127.0.0.1:0"', "[console]\naddress = ")
    other.config.write_text(f'{config.rstrip()}"127.0.0.1:{node.port(CONSOLE)}"\n')
    other.launch()
    assert other.process.wait(20) == 2
    assert "is another program, or another Percorso, using it?" in other.log()
