"""`evolinstruct settings`: which settings hold here, and where each is from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from evolinstruct.cli.options import Verbose, read_layers, switch, takes_settings
from evolinstruct.cli.reporting import reported

_AsJson = Annotated[bool, switch("--json", about="Print one JSON object on stdout instead.")]


@takes_settings
def command(
    as_json: _AsJson = False,
    verbose: Verbose = 0,
    flags: Mapping[str, Any] = {},
) -> None:
    """Show which settings hold in this folder, and where each is from.

    Takes the options of evolve, without SEEDS and -o. Your settings file is TOML: model, client,
    provider, base_url, api_key_env (the name of a variable, never a key) and whatever else says
    how a run is carried out; the same under [profiles.NAME], which --profile NAME takes.
    """
    with reported(verbose=verbose, as_json=as_json) as report:
        from evolinstruct import environment, settings  # noqa: PLC0415 - slow
        from evolinstruct.console.page import Page  # noqa: PLC0415 - slow
        from evolinstruct.console.settings import (  # noqa: PLC0415 - slow
            described,
            show_places,
            show_settings,
        )

        found = settings.origins_of(read_layers(flags))
        personal = settings.read_personal()
        profile = personal.chosen(flags.get("profile"))
        dotenv = sorted(environment.in_file())
        if as_json:
            report.facts = {
                "settings": [described(each) for each in found],
                "settings_file": str(personal.path),
                "profiles": list(personal.profiles),
                "profile": profile,
                "dotenv": dotenv,
            }
        else:
            page = Page()
            show_settings(page, found, in_full=verbose > 0)
            show_places(page, personal, profile, dotenv)
