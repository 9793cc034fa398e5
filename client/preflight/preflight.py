"""All preflight checks of a hospital, in the order in which a new hospital fixes them."""

from client.hospital_settings import HospitalSettings
from client.preflight import files, machine
from client.preflight.admission import check_admission
from client.preflight.check_result import CheckResult
from client.preflight.kit import check_kit
from client.preflight.network import check_network
from client.preflight.ownership import check_owners


def preflight(hospital: HospitalSettings) -> list[CheckResult]:
    """Run all checks. They change nothing; what they send proves who the hospital is, and says no more."""
    coordinator = hospital.coordinator
    network = check_network(coordinator)
    folders = {"state": hospital.state, "node": hospital.node, "socket": hospital.socket.parent}
    return [
        check_kit(hospital),
        *check_owners(hospital),
        files.check_ca(coordinator.ca),
        files.check_key(coordinator.key),
        files.check_certificate(coordinator.certificate, coordinator.ca),
        machine.check_disk(hospital.state),
        machine.check_memory(),
        machine.check_shared_memory(),
        machine.check_gpu(hospital.device),
        *files.check_store(hospital),
        *files.check_write_rights(folders),
        files.check_socket(hospital.socket),
        *network,
        *([] if any(row.state == "fail" for row in network) else [check_admission(coordinator)]),
    ]
