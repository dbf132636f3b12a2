"""Mutants of the control tower: who may ask, what is shown live, and what has left the stream.

See :mod:`tests.chaos.mutant_table`.
"""

from tests.chaos.mutant import Mutant

HUB = ("tests/tower/live/test_hub.py",)
WITHDRAWALS = ("tests/tower/live/test_withdrawals.py",)
WITHDRAWN = ("tests/tower/test_withdrawn_answers.py",)
LIVE = ("tests/tower/test_app_live.py",)
ANSWERS = ("tests/tower/test_answers.py",)
PUSH = ("tests/tower/live/test_panel_push.py",)
GUARD = ("tests/tower/security/test_request_guard.py",)
SESSIONS = ("tests/tower/security/test_sessions.py",)
IDENTITY = ("tests/tower/security/test_identity.py",)
REACH = ("tests/tower/test_service_reach.py",)
CARD = ("tests/tower/pages/test_post_card.py",)
ACTS = ("tests/tower/desk/test_alert_acts.py",)
REPORTS = ("tests/tower/reports/test_report_store.py",)
DRY_RUN = ("tests/tower/desk/test_dry_run_job.py",)

MUTANTS = (
    # --- live posts ------------------------------------------------------------------------------
    Mutant(
        "a new screen begins without what the index may not have",
        "tower/live/hub.py",
        "(one.at >= since if after is None else one.number > after)\n        ]\n        fits",
        "(after is not None and one.number > after)\n        ]\n        fits",
        HUB,
    ),
    Mutant(
        "a screen that was away for too long is not told",
        "tower/live/hub.py",
        "if after is not None and (after < self._forgotten or len(told) > MAX_REPLAY):",
        "if after is not None and len(told) > MAX_REPLAY:",
        HUB,
    ),
    Mutant(
        "what a slow screen loses is not counted",
        "tower/live/hub.py",
        "            self.dropped += 1\n",
        "",
        HUB,
    ),
    Mutant(
        "an edit stays on the screens that it left",
        "tower/live/hub.py",
        "                for name in by_query.keys() - names:\n",
        "                for name in ():\n",
        HUB,
    ),
    Mutant(
        "each question of each screen is a flight of its own",
        "tower/answers.py",
        "flight = self._known(key) or self._flights.get(key)",
        "flight = None",
        (*ANSWERS, *LIVE),
    ),
    Mutant(
        "a search that fails leaves pages waiting",
        "tower/answers.py",
        'self._failed(flight, ServiceUnavailable("the index could not be searched"))',
        "pass",
        ANSWERS,
    ),
    Mutant(
        "shards that did not answer are not told",
        "tower/answers.py",
        "answer.partial = any(_is_partial(response) for response in responses)",
        "answer.partial = False",
        ANSWERS,
    ),
    Mutant(
        "a page that fails stops the others",
        "tower/live/panel_push.py",
        "        except Exception as error:  # noqa: BLE001\n",
        "        except ZeroDivisionError as error:\n",
        PUSH,
    ),
    # --- what has left the stream ----------------------------------------------------------------
    Mutant(
        "a deleted post is replayed",
        "tower/live/hub.py",
        "if not self.withdrawn.hides(one.event.mention.post, one.event.version)",
        "if True",
        HUB,
    ),
    Mutant(
        "an older state of a deleted post is shown",
        "tower/live/hub.py",
        "if not self.withdrawn.hides(event.mention.post, event.version):",
        "if True:",
        HUB,
    ),
    Mutant(
        "a delete while a screen is away is not told",
        "tower/live/hub.py",
        "        self._keep(self._gone, Gone(self._number, self._monotonic(), gone))\n",
        "",
        HUB,
    ),
    Mutant(
        "an erased account of one platform is erased on all",
        "tower/live/withdrawals.py",
        "return self._authors.get((source, author), -1) >= version",
        "return max((v for (_, a), v in self._authors.items() if a == author), default=-1)"
        " >= version",
        WITHDRAWALS,
    ),
    Mutant(
        "the words of an erased account stay in reposts",
        "tower/live/withdrawals.py",
        "if any(self.erased(post.source, author, version) for author in post.copied_from):",
        "if False:",
        WITHDRAWALS,
    ),
    Mutant(
        "a kept answer shows what has left",
        "tower/withdrawn_answers.py",
        "    if not isinstance(asked.answer, _SHOWN):\n",
        "    if True:\n",
        (*WITHDRAWN, *LIVE),
    ),
    Mutant(
        "the examples of a dry run stay",
        "tower/withdrawn_answers.py",
        "return [one for one in examples if not withdrawn.hides(one.post, one.version)]",
        "return examples",
        WITHDRAWN,
    ),
    Mutant(
        "a dry run shows what was deleted further on",
        "tower/desk/dry_run_job.py",
        "        withdrawn.take(event)\n",
        "",
        DRY_RUN,
    ),
    Mutant(
        "a report keeps an author who is erased",
        "tower/reports/report_store.py",
        "document = self._without_erased(document_of(wanted))",
        "document = document_of(wanted)",
        ("tests/tower/reports/test_report_lookup.py",),
    ),
    # --- who may ask -----------------------------------------------------------------------------
    Mutant(
        "a sign-in link works twice",
        "tower/security/sessions.py",
        "        self._spend(claim.nonce)\n        return Person",
        "        return Person",
        SESSIONS,
    ),
    Mutant(
        "a session has no end",
        "tower/security/sessions.py",
        "claim.purpose == purpose and claim.until > self._now()",
        "claim.purpose == purpose",
        SESSIONS,
    ),
    Mutant(
        "a link is a session",
        "tower/security/sessions.py",
        "claim.purpose == purpose and claim.until > self._now()",
        "claim.until > self._now()",
        SESSIONS,
    ),
    Mutant(
        "a session outlives a new password",
        "tower/security/sessions.py",
        "if claim is None or claim.mark != self._accounts.mark_of(claim.name):",
        "if claim is None:",
        SESSIONS,
    ),
    Mutant(
        "anybody may say that they are a user of the proxy",
        "tower/security/identity.py",
        "if not self._user_header or peer_of(request) not in self._proxies:",
        "if not self._user_header:",
        IDENTITY,
    ),
    Mutant(
        "another site sends our forms",
        "tower/security/request_guard.py",
        'return site in ("same-origin", "none")',
        "return True",
        GUARD,
    ),
    Mutant(
        "another host name is answered",
        "tower/security/request_guard.py",
        "if name_of(host) not in self._hosts:\n",
        "if False:\n",
        GUARD,
    ),
    Mutant(
        "a body has no bound",
        "tower/security/request_guard.py",
        "if size > MAX_BODY:",
        "if False:",
        GUARD,
    ),
    Mutant(
        "everybody is served without users",
        "tower/service.py",
        "if settings.users is None and not settings.proxy_user_header:",
        "if False:",
        REACH,
    ),
    Mutant(
        "passwords cross the network in the clear",
        "tower/service.py",
        "if settings.tls_cert is None and not proxies_of(settings):",
        "if False:",
        REACH,
    ),
    Mutant(
        "a reader acts",
        "tower/application.py",
        "            if not person.may(role):\n",
        "            if False:\n",
        ("tests/tower/routes/test_alert_routes.py", "tests/tower/routes/test_admin_routes.py"),
    ),
    Mutant(
        "one person asks without a bound",
        "tower/security/rate_limits.py",
        "        if self._open[name] >= self._most:\n",
        "        if False:\n",
        ("tests/tower/security/test_rate_limits.py",),
    ),
    # --- what strangers write --------------------------------------------------------------------
    Mutant(
        "a link of a post runs a script",
        "tower/pages/post_card.py",
        'return url if parts.scheme in ("http", "https") and parts.hostname else None',
        "return url",
        CARD,
    ),
    Mutant(
        "the text of a post is markup",
        "tower/pages/post_card.py",
        '    parts.append(escape("".join(signs[place:])))\n',
        '    parts.append(Markup("".join(signs[place:])))\n',
        CARD,
    ),
    Mutant(
        "a cell of a table is a formula",
        "tower/routes/api_routes.py",
        "if isinstance(cell, str) and cell.startswith(_FORMULA):",
        "if False:",
        ("tests/tower/test_app_api.py",),
    ),
    # --- acts of people --------------------------------------------------------------------------
    Mutant(
        "an act on what was not seen is done",
        "tower/desk/alert_acts.py",
        "        if last.by != request.by:\n",
        "        if False:\n",
        ACTS,
    ),
    Mutant(
        "a report is sent twice",
        "tower/reports/report_store.py",
        "claimed = before is not None and (again or not before.delivered(delivery.channel))",
        "claimed = before is not None",
        REPORTS,
    ),
)
