"""The reading room: its studies, its readers, and what each may see."""

import threading
import time
from collections.abc import Hashable

from client.pacs.pacs_settings import PacsSettings
from client.reading_room.accounts import Accounts
from client.reading_room.database import Database
from client.reading_room.reading_list import ReadingList, reading_list
from client.reading_room.reading_log import Answer, Reading, ReadingLog
from client.reading_room.studies import RoomStudy, Studies
from client.reading_room.uploads import Uploads
from shared_model.errors import PneumofedError

MARK_S = 1.0


class ReadingRoom:
    """What the room's pages ask. In a blinded room a reader answers before anything of the model is shown."""

    def __init__(self, settings: PacsSettings) -> None:
        """Raises what `Database` raises."""
        self.settings = settings
        self.blinded = settings.read.blinded
        self.database = Database(settings.reading)
        self.accounts = Accounts(self.database)
        self.log = ReadingLog(self.database)
        self.studies = Studies(settings.inboxes, settings.results)
        self._mark_lock = threading.Lock()
        self._mark: Hashable = None
        self._marked = -MARK_S
        self.uploads = Uploads(settings.uploads, settings.results, settings.read)

    def study(self, name: str) -> RoomStudy:
        """One study. Raises PneumofedError `not-found`."""
        return self.studies.find(name)

    def may_see_model(self, reader: str, name: str) -> bool:
        """Whether a reader may see what the model said of a study. Raises PneumofedError `not-found`.

        In a room that is not blinded the study counts as shown, whoever asks.
        """
        study = self.study(name)
        if not self.blinded and study.verdict is not None:
            self.log.show_to_all({name})
        return not self.blinded or self.reading(reader, study) is not None

    def check_may_see_model(self, reader: str, name: str) -> None:
        """Raises PneumofedError `blinded` if not, `not-found`."""
        if not self.may_see_model(reader, name):
            raise PneumofedError("blinded", "answer what you see yourself first; then the model is shown")

    def reading_list(self, reader: str) -> ReadingList:
        """All studies as the reader reads them."""
        studies = self.studies.all()
        if not self.blinded:
            self.log.show_to_all({name for name, study in studies.items() if study.verdict is not None})
        earlier, readings = self.studies.earlier(), self.log.of_reader(reader)
        return reading_list(studies, earlier, readings, blinded=self.blinded)

    def mark(self, reader: str) -> Hashable:
        """Differs when the reader's list may; looks at the files once a second at most."""
        with self._mark_lock:
            if time.monotonic() >= self._marked + MARK_S:
                self._mark, self._marked = self.studies.mark(), time.monotonic()
            return self._mark, self.log.count(reader)

    def reading(self, reader: str, study: RoomStudy) -> Reading | None:
        """What the reader said of the study as it is diagnosed now."""
        return self.log.find(reader, study.name, study.verdict.made_of) if study.verdict else None

    def readings_for(self, reader: str) -> list[Reading]:
        """All readings that a reader may see: in a blinded room those of scans that they have read too."""
        readings = self.log.all()
        own = {(one.study, one.made_of) for one in readings if one.reader == reader}
        return [one for one in readings if not self.blinded or (one.study, one.made_of) in own]

    def open(self, reader: str, study: RoomStudy) -> None:
        """Note that the reader has the study's page; the time taken is counted from here."""
        if study.verdict is None:
            return
        if not self.blinded:
            self.log.show_to_all({study.name})
        self.log.open(reader, study.name, study.verdict.made_of)

    def check_opened(self, reader: str, name: str) -> None:
        """Raises PneumofedError `scan-changed` unless the reader opened the study as it is, `not-found`."""
        study = self.study(name)
        if study.verdict and not self.log.was_opened(reader, name, study.verdict.made_of):
            raise PneumofedError(
                "scan-changed", "this scan has changed since you opened it; open it again and look at it anew"
            )

    def answer(self, reader: str, name: str, answer: Answer) -> None:
        """Keep a reader's answer. Raises PneumofedError `not-found`, `not-diagnosed`, `already-answered`."""
        study = self.study(name)
        if study.verdict is None:
            raise PneumofedError("not-diagnosed", "this scan is not diagnosed now; open it again when it is")
        self.log.answer(reader, name, study.verdict, answer, blinded=self.blinded)

    def agree(self, reader: str, name: str, *, agrees: bool, remark: str) -> None:
        """Keep whether the reader agrees with the model. Raises what `answer` and `ReadingLog.agree` do."""
        study = self.study(name)
        if study.verdict is None:
            raise PneumofedError("not-diagnosed", "this scan is not diagnosed now; open it again when it is")
        self.log.agree(reader, name, study.verdict.made_of, agrees=agrees, remark=remark)
