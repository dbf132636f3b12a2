"""The Kubernetes manifests are valid by Kubernetes' schemas, whole, and of our code."""

from pathlib import Path
from typing import Any

import kubernetes_validate
import msgspec
import pytest
import yaml

from brands.brands_file import load_brands
from runtime import settings
from tests.deploy.compose import DEPLOY, OURS, SERVICES, parse_command
from tests.deploy.test_monitoring import SCRAPES
from tower.security.sessions import MIN_KEY
from tower.service import check

FOLDER = DEPLOY / "kubernetes"
KUSTOMIZATIONS = sorted(FOLDER.rglob("kustomization.yaml"))
NOT_MANIFESTS = {"kustomization.yaml", "channels.yaml"}
VARIABLES = {
    f"{group.model_config.get('env_prefix', '')}{name}".upper()
    for group in settings.GROUPS
    for name in group.model_fields
}


def _documents() -> list[tuple[Path, dict[str, Any]]]:
    paths = [path for path in sorted(FOLDER.rglob("*.yaml")) if path.name not in NOT_MANIFESTS]
    loaded = [(path, each) for path in paths for each in yaml.safe_load_all(path.read_bytes())]
    return [(path, each) for path, each in loaded if "kind" in each]


DOCUMENTS = _documents()
WORKLOADS = {
    document["metadata"]["name"]: document
    for _, document in DOCUMENTS
    if document["kind"] in ("Deployment", "Job", "CronJob")
}
each_workload = pytest.mark.parametrize("name", WORKLOADS)
each_deployment = pytest.mark.parametrize(
    "name", [name for name, each in WORKLOADS.items() if each["kind"] == "Deployment"]
)


def _pod(name: str) -> dict[str, Any]:
    spec = WORKLOADS[name]["spec"]
    if "jobTemplate" in spec:
        spec = spec["jobTemplate"]["spec"]
    pod: dict[str, Any] = spec["template"]["spec"]
    return pod


def _container(name: str) -> dict[str, Any]:
    (container,) = _pod(name)["containers"]
    return dict(container)


def _commands(container: dict[str, Any]) -> list[list[str]]:
    """The commands of tocsin that it runs, as words without ``tocsin``."""
    if container["command"][0] == "/bin/sh":
        (script,) = container["args"]
        return [part.split()[1:] for part in script.split("&&")]
    assert container["command"] in (["tocsin-hold"], ["tocsin"])
    return [container["args"]]


@pytest.mark.parametrize(
    ("path", "document"),
    [(path, each) for path, each in DOCUMENTS if "monitoring.coreos.com" not in each["apiVersion"]],
    ids=lambda value: value.name if isinstance(value, Path) else value["kind"],
)
def test_a_manifest_is_valid_by_the_schemas_of_kubernetes(
    path: Path, document: dict[str, Any]
) -> None:
    latest = kubernetes_validate.latest_version()
    for version in ("1.32", latest):
        kubernetes_validate.validate(document, version, strict=True)


def test_a_mistake_would_be_found() -> None:
    broken = {**DOCUMENTS[0][1], "kindd": "x"}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, kubernetes_validate.latest_version(), strict=True)


@pytest.mark.parametrize("path", KUSTOMIZATIONS, ids=lambda p: p.parent.name)
def test_a_kustomization_names_what_exists_and_leaves_nothing_out(path: Path) -> None:
    held = yaml.safe_load(path.read_bytes())
    named = [*held.get("resources", ()), *held.get("components", ())]
    named += [patch["path"] for patch in held.get("patches", ())]
    named += [file for each in held.get("configMapGenerator", ()) for file in each["files"]]
    for name in named:
        target = path.parent / name
        assert target.is_file() or (target / "kustomization.yaml").is_file(), name
    beside = {each.name for each in path.parent.glob("*.yaml")} - {path.name}
    assert beside <= set(named), beside - set(named)


def test_what_pods_take_from_config_maps_is_made_by_base_or_overlay() -> None:
    example = yaml.safe_load((FOLDER / "overlays/example/kustomization.yaml").read_bytes())
    made = {each["name"] for each in example["configMapGenerator"]}
    made |= {d["metadata"]["name"] for _, d in DOCUMENTS if d["kind"] in ("ConfigMap", "Secret")}
    for name in WORKLOADS:
        wanted = {each["configMapRef"]["name"] for each in _container(name)["envFrom"]}
        for volume in _pod(name)["volumes"]:
            wanted |= {volume["configMap"]["name"]} if "configMap" in volume else set()
            wanted |= {volume["secret"]["secretName"]} if "secret" in volume else set()
        assert wanted <= made, name
    (image,) = example["images"]
    assert {f"{image['name']}:{image['newTag']}"} == {_container(n)["image"] for n in WORKLOADS}


def test_every_service_of_compose_is_here_with_its_command_and_memory() -> None:
    for name, service in OURS.items():
        container = _container(f"tocsin-{name}")
        assert container["image"] == service["image"]
        ours = [[w for w in words if w != "--yes"] for words in _commands(container)]
        if name == "setup":
            assert " && ".join(" ".join(["tocsin", *w]) for w in ours) == service["command"][0]
        else:
            assert ours == [service["command"]]
        limit = container["resources"]["limits"]["memory"]
        assert limit.lower().rstrip("i") == SERVICES[name]["mem_limit"], name
    assert len(WORKLOADS) == len(OURS)


@each_workload
def test_commands_are_real(name: str) -> None:
    for words in _commands(_container(name)):
        parse_command(words)


@each_workload
def test_pods_are_not_root_and_cannot_write_but_to_memory(name: str) -> None:
    pod, container = _pod(name), _container(name)
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10001
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False
    writable = [v for v in container["volumeMounts"] if not v.get("readOnly")]
    assert [volume["mountPath"] for volume in writable] == ["/tmp"]
    mounted = {volume["name"] for volume in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["volumes"]}


@each_workload
def test_no_variable_of_kubernetes_looks_like_a_setting(name: str) -> None:
    """A Service named tocsin-process would add TOCSIN_PROCESS_PORT, which is refused as unknown."""
    assert _pod(name)["enableServiceLinks"] is False


def test_settings_are_ours() -> None:
    for _, document in DOCUMENTS:
        if document["kind"] == "ConfigMap":
            for variable in document["data"]:
                assert variable.removesuffix("_FILE") in VARIABLES, variable
    for name in WORKLOADS:
        for each in _container(name).get("env", ()):
            assert each["name"].removesuffix("_FILE") in VARIABLES, each


def test_secrets_that_settings_name_are_keys_of_the_secret() -> None:
    (secret,) = (each for _, each in DOCUMENTS if each["kind"] == "Secret")
    for path, document in DOCUMENTS:
        if document["kind"] == "ConfigMap" and "overlays" in path.parts:
            for variable, value in document["data"].items():
                if variable.endswith("_FILE"):
                    assert value.rpartition("/")[2] in secret["stringData"], variable


@each_deployment
def test_probes_ask_the_health_pages(name: str) -> None:
    container = _container(name)
    (port,) = (each for each in container["ports"] if each["name"] == "monitor")
    assert port["containerPort"] == settings.MonitorSettings.model_fields["port"].default
    assert container["startupProbe"]["httpGet"] == {"path": "/healthz", "port": "monitor"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "monitor"}
    alive = container["livenessProbe"]["exec"]["command"][-1]
    assert f":{port['containerPort']}/healthz" in alive
    assert "/tmp/tocsin-held" in alive and "tocsin-held" in (DEPLOY / "hold.sh").read_text("utf-8")
    grace = _pod(name)["terminationGracePeriodSeconds"]
    assert grace > settings.IngestSettings.model_fields["drain_timeout_s"].default


@each_deployment
def test_prometheus_gives_it_the_job_that_the_rules_use(name: str) -> None:
    template = WORKLOADS[name]["spec"]["template"]["metadata"]["labels"]
    assert template["tocsin/job"] in {job["job_name"] for job in SCRAPES["scrape_configs"]}
    (scrape,) = (
        job
        for job in SCRAPES["scrape_configs"]
        for discovery in job.get("dns_sd_configs", ())
        if name.removeprefix("tocsin-") in discovery["names"]
    )
    assert template["tocsin/job"] == scrape["job_name"]


@each_deployment
def test_sources_are_never_read_twice_and_copies_do_not_go_at_once(name: str) -> None:
    spec = WORKLOADS[name]["spec"]
    budgets = {d["metadata"]["name"] for _, d in DOCUMENTS if d["kind"] == "PodDisruptionBudget"}
    assert (name in budgets) == (spec["replicas"] > 1)
    if "ingest" in name:
        assert spec["replicas"] == 1 and spec["strategy"] == {"type": "Recreate"}


def test_the_way_to_the_tower_is_whole_from_the_ingress_to_the_port() -> None:
    by_kind = {document["kind"]: document for _, document in DOCUMENTS}
    labels = WORKLOADS["tocsin-tower"]["spec"]["template"]["metadata"]["labels"]
    (port,) = (each for each in _container("tocsin-tower")["ports"] if each["name"] == "tower")
    assert port["containerPort"] == settings.TowerSettings.model_fields["port"].default
    service = by_kind["Service"]
    (offered,) = service["spec"]["ports"]
    assert offered["targetPort"] == port["name"]
    assert service["spec"]["selector"].items() <= labels.items()
    (rule,) = by_kind["Ingress"]["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    assert path["backend"]["service"] == {
        "name": service["metadata"]["name"],
        "port": {"name": offered["name"]},
    }
    overlay = FOLDER / "overlays" / "example" / "settings.yaml"
    given = yaml.safe_load(overlay.read_bytes())["data"]
    assert given["TOCSIN_TOWER_HOSTS"] == rule["host"]
    assert by_kind["Ingress"]["spec"]["tls"][0]["hosts"] == [rule["host"]]
    policy = by_kind["NetworkPolicy"]["spec"]
    assert policy["podSelector"]["matchLabels"].items() <= labels.items()
    named = [each for each in policy["ingress"] if each.get("from")]
    assert [each["ports"] for each in named] == [[{"port": port["containerPort"]}]]


def test_the_tower_starts_as_base_and_overlay_set_it() -> None:
    """With the files of the secret in place of those that a pod has."""
    (secret,) = (each for _, each in DOCUMENTS if each["kind"] == "Secret")
    overlay = FOLDER / "overlays" / "example" / "settings.yaml"
    given = yaml.safe_load(overlay.read_bytes())["data"]
    given |= {each["name"]: each["value"] for each in _container("tocsin-tower")["env"]}
    prefix = "TOCSIN_TOWER_"
    own = {k.removeprefix(prefix).lower(): v for k, v in given.items() if k.startswith(prefix)}
    check(settings.load(settings.TowerSettings, **own))
    for name in ("users", "signing_key"):
        folder, _, key = own[name].rpartition("/")
        assert key in secret["stringData"]
        mounts = {m["mountPath"]: m["name"] for m in _container("tocsin-tower")["volumeMounts"]}
        assert mounts[folder] == "secrets"
    users = msgspec.yaml.decode(secret["stringData"]["tower-users.yaml"])
    assert users == {"users": []}, "no account that somebody knows"
    assert len(secret["stringData"]["tower-key"]) < MIN_KEY, "no key that somebody knows"


def test_the_brands_of_the_example_can_be_applied() -> None:
    assert load_brands(FOLDER / "overlays" / "example" / "brands.yaml")
