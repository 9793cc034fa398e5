"""The commands `pneumofed release ...`, of those who make, sign and check what hospitals install."""

from pathlib import Path
from typing import Annotated

import typer

from deploy.commands.options import Out

release_app = typer.Typer(
    help="Make, sign and check what is installed: wheels, images, bills of materials.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Wheels = Annotated[Path, typer.Option("--wheels", help="Folder of wheels, by `release wheels`.")]


@release_app.command()
def wheels(
    source: Annotated[Path, typer.Argument(help="Pneumofed's source tree.")],
    out: Out,
    torch: Annotated[
        Path | None,
        typer.Option(
            help="A wheel of torch to take instead of the locked one, as for machines without a GPU."
        ),
    ] = None,
) -> None:
    """Make the offline kit: wheels of this system and Python, with hashes and a bill of materials."""
    from deploy.release.wheels import make_kit

    make_kit(source, out, typer.echo, torch)
    typer.echo(f"{out}: sign it with `pneumofed release sign`, see docs/offline.md")


@release_app.command()
def images(
    wheels: Wheels,
    out: Out,
    engine: Annotated[str | None, typer.Option(help="podman or docker; else the one installed.")] = None,
    only: Annotated[
        list[str] | None, typer.Option("--only", help="node, trainer, coordinator or pacs; else all four.")
    ] = None,
) -> None:
    """Build the images of node, trainer, coordinator and PACS side; write them as files with checksums."""
    from deploy.release.images import NAMES, Engine, make_images

    if unknown := set(only or ()) - set(NAMES):
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}: name node, trainer or coordinator")
    names = tuple(name for name in NAMES if not only or name in only)
    for path in make_images(wheels, out, Engine.find(engine), typer.echo, names):
        typer.echo(f"{path}: {path.stat().st_size / 1e6:.0f} MB")


@release_app.command()
def sbom(
    out: Annotated[Path, typer.Option("--out", help="File to write.")],
    wheels: Annotated[
        Path | None, typer.Option("--wheels", help="Folder of wheels; else what is installed here.")
    ] = None,
    debian: Annotated[bool, typer.Option("--debian", help="This system's Debian packages too.")] = False,
) -> None:
    """Write a bill of materials (CycloneDX 1.6, JSON)."""
    from deploy.release.sbom import (
        bill,
        debian_components,
        installed_components,
        wheel_components,
        write_bill,
    )
    from shared_model.versions import package_version

    found = [*(installed_components() if wheels is None else wheel_components(wheels))]
    found += debian_components() if debian else []
    document = bill("pneumofed", package_version(), found)
    write_bill(out, document)
    typer.echo(f"{out}: {len(document['components'])} packages")


@release_app.command()
def key(path: Annotated[Path, typer.Argument(help="File for the new private key.")]) -> None:
    """Make a key that signs releases and models, and its public key, .pub, for those who verify."""
    from shared_model.signature import make_key

    typer.echo(f"{path}: secret, keep it offline; {make_key(path)}: give it to who verifies, on another way")


@release_app.command()
def sign(
    folder: Annotated[Path, typer.Argument(help="A kit, images, or a model.")],
    private_key: Annotated[Path, typer.Option("--key", help="The private key, by `release key`.")],
) -> None:
    """Sign what is in a folder: a kit, images, a model."""
    from deploy.release.installed import CODE_SUMS
    from shared_model.signature import SIGNATURE, sign_file, sign_folder

    if (folder / CODE_SUMS).is_file():
        sign_file(folder / CODE_SUMS, private_key)
    sign_folder(folder, private_key)
    typer.echo(f"wrote {folder / SIGNATURE}")


@release_app.command()
def verify(
    folder: Annotated[Path, typer.Argument(help="What was signed.")],
    public_key: Annotated[Path, typer.Option("--key", help="The public key of who signed it.")],
) -> None:
    """Whether a folder holds exactly what was signed; ends with 1 if not."""
    from shared_model.signature import check_folder

    check_folder(folder, public_key)
    typer.echo("as it was signed")
