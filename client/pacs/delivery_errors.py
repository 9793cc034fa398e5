"""Why a delivery failed: the PACS was not there, or it did not take the results."""


class UndeliveredError(Exception):
    """`code` says why, without anything of the results. Asked again later."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class UnreachableError(UndeliveredError):
    """No connection: no fault of these results, so asked again until the PACS is there."""


class RefusedError(UndeliveredError):
    """The PACS answered, and did not take all of the results: after some attempts a dead letter."""
