"""All preflight checks of a hospital, in the order in which a new hospital fixes them."""

from client.hospital_settings import HospitalSettings
from client.preflight import files, machine
from client.preflight.check_result import CheckResult
from client.preflight.network import check_network


def preflight(hospital: HospitalSettings) -> list[CheckResult]:
    """Run all checks. They change nothing and send nothing about the hospital."""
    coordinator = hospital.coordinator
    folders = {"state": hospital.state, "node": hospital.node, "socket": hospital.socket.parent}
    return [
        files.check_ca(coordinator.ca),
        files.check_key(coordinator.key),
        machine.check_disk(hospital.state),
        machine.check_memory(),
        machine.check_gpu(hospital.device),
        *files.check_store(hospital),
        *files.check_write_rights(folders),
        files.check_socket(hospital.socket),
        *check_network(coordinator.address, coordinator.ca),
    ]
