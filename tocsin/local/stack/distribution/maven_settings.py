"""The Maven repository that this machine's settings name, without Maven.

Read are the mirrors, the profiles that define `central` anew, and the servers' credentials, from
the user's settings and then the machine's, with Maven's own rules of precedence. Without any it is
Central itself. TOCSIN_MAVEN_REPOSITORY comes before all of them.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit
from xml.etree import ElementTree

from runtime.limits.secret_transport import MAVEN_ALLOWED_BY, plain_hosts, refuse_plain
from tocsin.local.stack import StackError

CENTRAL = "central"
VARIABLE = "TOCSIN_MAVEN_REPOSITORY"
MAX_SETTINGS_BYTES = 1_000_000
_OURS = frozenset({"localhost", "127.0.0.1"})


@dataclass(frozen=True)
class Repository:
    url: str
    """Without credentials and without a slash at the end."""
    source: str
    """Where the address stands, for errors."""
    credentials: tuple[str, str] | None = field(default=None, repr=False)


def find_repository(
    environment: Mapping[str, str] | None = None, machine: Path = Path("/etc/maven")
) -> Repository:
    """
    :param machine: the folder of the machine's own `settings.xml`.
    :raises StackError: settings that cannot be read, or that leave no way to Central.
    :raises ConfigurationError: a password would be sent without TLS.
    """
    variables = os.environ if environment is None else environment
    repository = _repository_of(variables, machine)
    if repository.credentials is not None and variables.get(MAVEN_ALLOWED_BY) != "true":
        secret = f"the password of the repository in {repository.source}"
        remedy = "use its https:// address"
        refuse_plain(secret, plain_hosts([repository.url]), MAVEN_ALLOWED_BY, remedy)
    return repository


def _repository_of(variables: Mapping[str, str], machine: Path) -> Repository:
    if chosen := variables.get(VARIABLE):
        return _repository(chosen, VARIABLE, None)
    settings = [_Settings(path, variables) for path in _settings_files(variables, machine)]
    url = next((url for file in settings for url in file.central_urls()), _central_url())
    mirrors = [mirror for file in settings for mirror in file.mirrors()]
    mirror = next((mirror for mirror in mirrors if mirror.of == CENTRAL), None) or next(
        (mirror for mirror in mirrors if mirror.serves(CENTRAL, url)), None
    )
    if mirror is None:
        source = "Maven's settings" if settings else "its usual address"
        return _repository(url, source, _credentials(settings, CENTRAL))
    if mirror.blocked:
        raise StackError(
            f"Maven's settings block {CENTRAL} (mirror {mirror.name} in {mirror.file}): "
            f"set {VARIABLE} to the address of a repository that you may use."
        )
    return _repository(mirror.url, str(mirror.file), _credentials(settings, mirror.name))


@dataclass(frozen=True)
class _Mirror:
    name: str
    of: str
    url: str
    blocked: bool
    file: Path

    def serves(self, repository: str, url: str) -> bool:
        """Maven's rule: a name decides, a wildcard decides unless a later name excludes."""
        serves = False
        for pattern in (part.strip() for part in self.of.split(",")):
            if pattern == f"!{repository}":
                return False
            if pattern == repository:
                return True
            serves |= (
                pattern == "*"
                or (pattern == "external:*" and _is_external(url))
                or (pattern == "external:http:*" and _is_external(url) and url.startswith("http:"))
            )
        return serves


class _Settings:
    def __init__(self, path: Path, variables: Mapping[str, str]) -> None:
        self.path = path
        self._variables = variables
        try:
            if path.stat().st_size > MAX_SETTINGS_BYTES:
                raise ValueError("it is too large")
            self._root = ElementTree.fromstring(path.read_bytes())  # noqa: S314 - the user's own
        except (OSError, ElementTree.ParseError, ValueError) as error:
            raise StackError(
                f"Maven's settings {path} cannot be read ({error}): "
                f"correct them, or set {VARIABLE} to the address of a repository."
            ) from error
        for element in self._root.iter():
            element.tag = element.tag.rpartition("}")[2]

    def mirrors(self) -> Iterator[_Mirror]:
        for mirror in self._root.iterfind("mirrors/mirror"):
            yield _Mirror(
                self._text(mirror, "id"),
                self._text(mirror, "mirrorOf"),
                self._text(mirror, "url"),
                self._text(mirror, "blocked") == "true",
                self.path,
            )

    def central_urls(self) -> Iterator[str]:
        """The addresses that the active profiles give to `central`."""
        active = {
            (element.text or "").strip() for element in self._root.iterfind("*/activeProfile")
        }
        for profile in self._root.iterfind("profiles/profile"):
            by_default = self._text(profile, "activation/activeByDefault") == "true"
            if by_default or self._text(profile, "id") in active:
                for repository in profile.iterfind("repositories/repository"):
                    if self._text(repository, "id") == CENTRAL:
                        yield self._text(repository, "url")

    def credentials(self, server: str) -> tuple[str, str] | None:
        for element in self._root.iterfind("servers/server"):
            if self._text(element, "id") == server and (name := self._text(element, "username")):
                password = self._text(element, "password")
                if re.search(r"\{.+\}", password):
                    raise StackError(
                        f"The password of the server {server} in {self.path} is encrypted, which "
                        f"only Maven can read: install Maven, or set {VARIABLE}."
                    )
                return name, password
        return None

    def _text(self, element: ElementTree.Element, path: str) -> str:
        def value(match: re.Match[str]) -> str:
            name = match[1]
            if name == "user.home":
                return str(Path.home())
            return self._variables.get(name.removeprefix("env."), match[0])

        return re.sub(r"\$\{([\w.]+)\}", value, (element.findtext(path) or "").strip())


def _settings_files(variables: Mapping[str, str], machine: Path) -> list[Path]:
    homes = [variables[name] for name in ("MAVEN_HOME", "M2_HOME") if variables.get(name)]
    user = Path(variables.get("HOME") or Path.home()) / ".m2"
    installed = [*(Path(home) / "conf" for home in homes), machine]
    files = [user / "settings.xml", *(folder / "settings.xml" for folder in installed)]
    # Maven reads two at most: the user's own, and that of its installation.
    return [files[0]] * files[0].is_file() + [file for file in files[1:] if file.is_file()][:1]


def _credentials(settings: list[_Settings], server: str) -> tuple[str, str] | None:
    return next((pair for file in settings if (pair := file.credentials(server))), None)


def _repository(url: str, source: str, credentials: tuple[str, str] | None) -> Repository:
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise StackError(
            f"The repository in {source} has no http(s) address: "
            f"set {VARIABLE} to the address of a Maven repository."
        )
    if parts.username:
        credentials = unquote(parts.username), unquote(parts.password or "")
    bare = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    return Repository(bare.rstrip("/"), source, credentials)


def _is_external(url: str) -> bool:
    return urlsplit(url).hostname not in _OURS


def _central_url() -> str:
    from jgo.constants import MAVEN_CENTRAL_URL  # slow to import, and needed only here

    return str(MAVEN_CENTRAL_URL)
