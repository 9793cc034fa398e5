"""The rooms of each package from the top floor to the bottom: folders and single modules.

A module imports from floors below its own, and within its own room. Rooms on one floor do not import each
other.
"""

ROOMS = {
    "preprocessing": (
        "check_report lobe_report lung_masks phantom prepare",
        "study_preparation",
        "review",
        "labels pipeline",
        "lobe_inputs",
        "batch_effect chest_check label_rows periphery semi_infection store",
        "lung_measures",
        "lung_density lungs reading settings",
        "crop histogram",
        "image_ops processes",
    ),
    "shared_model": (
        "bundle envelope rehearsal",
        "infection_map initial_weights losses protocol saved_model signature",
        "layer_scaling model_quality network_weights pretrained proposal",
        "networks synthetic_lobes",
        "label_sums metrics patches sampling scan_decision sparse_convolution study weights",
        "rectangle scan_figures scan_head strategy study_stage subgroups",
        "bounded_json constants file_lock files polling progress settings_file threads tls",
        "errors fingerprint_words printable_text quantity settings_problems versions",
    ),
    "client": (
        "control reading_room",
        "pacs preflight",
        "diagnosis",
        "node trainer",
        "privacy",
        "learning",
        "records wire",
        "error_redaction hospital_settings trainer_interface",
    ),
    "server": (
        "process",
        "app",
        "rehearsal report rounds status",
        "measurement model_card",
        "ledger report_process roster round_updates torch_process",
        "collect",
        "admission dispatch feasibility messages model_selection",
        "events grid standing stop_flag strategies",
        "content_bytes software study_result",
    ),
    "deploy": (
        "commands",
        "hospital_install pacs_install pages try_federation",
        "coordinator demo evaluate executor export_model hospital_metrics hospital_status join simulate",
        "example_scans install_steps logs release simulation supervise",
        "zone_users",
        "environment flower_words loopback openmetrics progress service_units shell_steps system_user",
    ),
}
