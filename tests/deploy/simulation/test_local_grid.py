import os

from flwr.app import Message, RecordDict
from flwr.clientapp import ClientApp

from deploy.simulation.local_grid import LocalGrid


def echo_app(seen: list) -> ClientApp:
    app = ClientApp()

    @app.query()
    def answer(message, context):
        seen.append((context.node_id, context.node_config["hospital"]))
        return Message(RecordDict(), reply_to=message)

    return app


def test_names_and_node_ids_do_not_depend_on_the_order_of_hospitals():
    one, two = LocalGrid(echo_app([]), ["b", "a"]), LocalGrid(echo_app([]), ["a", "b"])
    assert [(n.node_id, n.name) for n in one.get_nodes()] == [(n.node_id, n.name) for n in two.get_nodes()]
    assert list(one.get_node_ids()) == [n.node_id for n in one.get_nodes()]


def test_a_task_runs_when_its_reply_is_pulled_and_once():
    seen: list = []
    grid = LocalGrid(echo_app(seen), ["a", "b"])
    messages = [Message(RecordDict(), node, "query") for node in grid.get_node_ids()]
    first, second = grid.push_messages(messages)
    assert seen == []
    (reply,) = grid.pull_messages([second])
    assert reply.metadata.reply_to_message_id == second and [name for _, name in seen] == ["b"]
    assert list(grid.pull_messages([second])) == []
    assert len(list(grid.pull_messages([first, second]))) == 1


def test_nothing_calls_home():
    assert os.environ["FLWR_TELEMETRY_ENABLED"] == "0" and os.environ["FLWR_DISABLE_UPDATE_CHECK"] == "1"
