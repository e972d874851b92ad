"""Where the configuration comes from: the file, the environment, the embedded default."""

from pathlib import Path

import pytest

from percorso.config.read import BadConfiguration, read_configuration
from percorso.config.schema import Configuration


@pytest.fixture
def file(tmp_path: Path) -> Path:
    written = tmp_path / "percorso.toml"
    written.write_text('[node]\nname = "mail1.corp.test"\ndata_dir = "data"\n\n[delivery]\nport = 2525\n')
    return written


def test_relative_paths_are_relative_to_the_file(file: Path) -> None:
    (file.parent / "ca.pem").write_text("")
    file.write_text(file.read_text() + '\n[tls]\nca_file = "ca.pem"\n')
    configuration = read_configuration(file, {})
    assert configuration.node.data_dir == file.parent / "data"
    assert configuration.tls.ca_file == file.parent / "ca.pem"
    assert configuration.store_dir == file.parent / "data"


def test_the_store_may_be_elsewhere(file: Path) -> None:
    environment = {"PERCORSO_STORE__URL": "sqlite:////srv/mail"}
    assert read_configuration(file, environment).store_dir == Path("/srv/mail")


def test_spans_of_time_are_seconds(file: Path) -> None:
    file.write_text('[limits]\nidle_timeout = "2m"\n')
    assert read_configuration(file, {}).limits.idle_timeout == 120.0


def test_the_environment_goes_before_the_file(file: Path) -> None:
    environment = {
        "PERCORSO_DELIVERY__PORT": "2526",
        "PERCORSO_DELIVERY__IPV6": "false",
        "PERCORSO_DNS__SERVERS": '["127.0.0.1:5353"]',
        "PERCORSO_LISTENER": '[{"address": "127.0.0.1:2500", "tls": "none"}]',
        "PERCORSO_NODE__GRACE": "5s",
        "PATH": "/bin",
    }
    configuration = read_configuration(file, environment)
    assert configuration.node.name == "mail1.corp.test"
    assert configuration.node.grace == 5.0
    assert (configuration.delivery.port, configuration.delivery.ipv6) == (2526, False)
    assert configuration.dns.servers == ("127.0.0.1:5353",)
    assert configuration.listener[0].address == "127.0.0.1:2500"


def test_what_is_wrong_in_the_environment_is_told_by_its_variable(file: Path) -> None:
    environment = {
        "PERCORSO_DELIVRY__PORT": "25",
        "PERCORSO_DELIVERY__PORT": "smtp",
        "PERCORSO_NODE__NMAE": "mail1",
        "PERCORSO_DNS__SERVERS": '["resolver"]',
    }
    with pytest.raises(BadConfiguration) as caught:
        read_configuration(file, environment)
    assert caught.value.lines == [
        'PERCORSO_DELIVRY__PORT: unknown section "delivry"; did you mean PERCORSO_DELIVERY__…?',
        'PERCORSO_NODE__NMAE: node: unknown key "nmae"; did you mean "name"?',
        "PERCORSO_DNS__SERVERS: dns: 'resolver' is no resolver; write it like \"127.0.0.1:53\"",
        'PERCORSO_DELIVERY__PORT: delivery: port is "smtp"; write a whole number',
    ]


def test_without_a_file_the_embedded_default_serves_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    configuration = read_configuration(None, {"PERCORSO_NODE__NAME": "mail1.corp.test"})
    (listener,) = configuration.listener
    assert (listener.address, listener.role, listener.tls) == ("127.0.0.1:2525", "relay", "starttls")
    assert listener.networks == ("127.0.0.0/8", "::1/128")
    assert configuration.node.data_dir == tmp_path / "var"
    assert configuration.tls.certificate is None


def test_a_file_in_the_working_directory_is_found(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    assert read_configuration(None, {}).delivery.port == 2525


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match=r"absent.toml: cannot be read \(No such file or directory\)"):
        read_configuration(tmp_path / "absent.toml", {})


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "percorso.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(BadConfiguration, match="is not UTF-8 text"):
        read_configuration(tmp_path / "percorso.toml", {})


def test_every_key_is_described() -> None:
    for section, field in Configuration.model_fields.items():
        assert field.description, section
