%% Mnesia under the same load as Skein: started by bench/mnesia.ts, one OS process for each node.
%%
%% The first node reads commands from its standard input, each one Erlang term and a full stop on
%% a line, and answers each with one line of JSON. The other nodes only wait for the end of their
%% input, so that none of them outlives the benchmark. The rows are those of session-rows.ts.
-module(skein_bench).
-export([main/0, start_mnesia/0, digest/0, forget/1, driver/5]).

-record(session, {key, started, owner, priority, info}).

-define(CALL_LIMIT_MS, 60000).

main() ->
    ok = io:setopts(standard_io, [{encoding, latin1}]),
    commands().

commands() ->
    case io:get_line("") of
        eof -> halt(0, [{flush, false}]);
        {error, _} -> halt(1, [{flush, false}]);
        Line -> command(Line), commands()
    end.

command(Line) ->
    Answer = try
        {ok, Tokens, _} = erl_scan:string(Line),
        {ok, Term} = erl_parse:parse_term(Tokens),
        [{ok, true} | perform(Term)]
    catch
        Class:Reason:Stack ->
            Text = io_lib:format("~0p", [{Class, Reason, Stack}]),
            [{ok, false}, {error, iolist_to_binary(Text)}]
    end,
    io:put_chars([json(Answer), $\n]).

%% Commands ------------------------------------------------------------------------------------

perform(ready) ->
    [];
perform({connect, Others}) ->
    [pong = net_adm:ping(Node) || Node <- Others],
    ok = start_mnesia(),
    [ok = erpc:call(Node, ?MODULE, start_mnesia, [], ?CALL_LIMIT_MS) || Node <- Others],
    {ok, _} = mnesia:change_config(extra_db_nodes, Others),
    Bytes = erlang:external_size(row(123456)),
    [{nodes, 1 + length(Others)}, {rowBytes, Bytes}, {release, release()}];
perform({create, Nodes}) ->
    {atomic, ok} = mnesia:create_table(session, [
        {type, ordered_set}, {ram_copies, Nodes}, {attributes, record_info(fields, session)}]),
    ok = mnesia:wait_for_tables([session], ?CALL_LIMIT_MS),
    [];
perform({load, From, Count}) ->
    load(From, From + Count),
    [{size, mnesia:table_info(session, size)}];
perform({drive, Nodes, Callers, Batch, Kind}) ->
    %% Each node draws its fresh rows from a range of its own.
    Drivers = [spawn_link(Node, ?MODULE, driver, [self(), Kind, Callers, Batch, Index * 100000000])
        || {Index, Node} <- lists:enumerate(Nodes)],
    put(drivers, Drivers),
    [];
perform(mark) ->
    [Driver ! {mark, self()} || Driver <- get(drivers)],
    [receive {Driver, marked} -> ok end || Driver <- get(drivers)],
    [];
perform(finish) ->
    [Driver ! {finish, self()} || Driver <- get(drivers)],
    Results = [receive {Driver, Result} -> Result end || Driver <- get(drivers)],
    erase(drivers),
    {Samples, Rates, Written} = lists:unzip3(Results),
    put(written, Written),
    [{rate, lists:sum(Rates)}, {rows, lists:sum([To - From || {From, To} <- Written])}
        | percentiles(lists:append(Samples))];
perform(check) ->
    check(20);
perform(forget) ->
    [erpc:call(Node, ?MODULE, forget, [get(written)], ?CALL_LIMIT_MS)
        || Node <- mnesia:table_info(session, ram_copies)],
    [{size, mnesia:table_info(session, size)}];
perform({read, Kind, Rows, Milliseconds}) ->
    [{rate, read_rate(Kind, Rows, Milliseconds)}];
perform({join, Node}) ->
    join(Node);
perform(traffic) ->
    [{bytes, lists:sum([socket_bytes(Node, [send_oct, recv_oct]) || Node <- nodes()])}];
perform(memory) ->
    [erlang:garbage_collect(Pid) || Pid <- processes()],
    Words = mnesia:table_info(session, memory),
    [{tableBytes, Words * erlang:system_info(wordsize)}, {totalBytes, erlang:memory(total)}];
perform(clear) ->
    {atomic, ok} = mnesia:clear_table(session),
    [].

%% A transaction ends before every copy has it, so copies that differ are looked at again.
check(Tries) ->
    Nodes = mnesia:table_info(session, ram_copies),
    Digests = [erpc:call(Node, ?MODULE, digest, [], ?CALL_LIMIT_MS) || Node <- Nodes],
    Equal = length(lists:usort(Digests)) =:= 1,
    case Equal orelse Tries =:= 0 of
        true -> [{size, element(1, hd(Digests))}, {equal, Equal}];
        false -> timer:sleep(50), check(Tries - 1)
    end.

start_mnesia() ->
    ok = application:set_env(mnesia, schema_location, ram),
    mnesia:start().

release() ->
    list_to_binary(erlang:system_info(otp_release)).

%% Rows ----------------------------------------------------------------------------------------

row(Index) ->
    #session{
        key = key(Index),
        started = 1700000000000000 + Index,
        owner = <<"n1@127.0.0.1">>,
        priority = Index rem 10,
        info = #{
            ip => ip(Index),
            port => 1024 + Index rem 60000,
            tls => true,
            client => <<"Conversations">>,
            version => <<"2.12.1">>}}.

key(Index) ->
    Phone = integer_to_binary(Index rem 3),
    {<<"example.com">>, user(Index), <<"phone", Phone/binary>>}.

user(Index) ->
    Number = integer_to_binary(Index div 3),
    Zeros = binary:copy(<<"0">>, max(0, 8 - byte_size(Number))),
    <<"user", Zeros/binary, Number/binary>>.

ip(Index) ->
    A = integer_to_binary((Index bsr 16) band 255),
    B = integer_to_binary((Index bsr 8) band 255),
    C = integer_to_binary(Index band 255),
    <<"10.", A/binary, $., B/binary, $., C/binary>>.

%% Before the other nodes have a copy, or in any case without waiting for them.
load(To, To) -> ok;
load(From, To) ->
    ok = mnesia:dirty_write(row(From)),
    load(From + 1, To).

digest() ->
    Sum = ets:foldl(fun(Row, Acc) -> Acc + erlang:phash2(Row, 1 bsl 32) end, 0, session),
    {ets:info(session, size), Sum}.

%% Takes the rows of a case out again on this node, behind Mnesia's back and therefore quickly.
forget(Written) ->
    [ets:delete(session, key(Index)) || {From, To} <- Written, Index <- lists:seq(From, To - 1)],
    ok.

%% Writers -------------------------------------------------------------------------------------

%% Runs the callers of one node. Phase 0 is warm-up, 1 is the window, 2 is over.
driver(Owner, Kind, Callers, Batch, Offset) ->
    Phase = atomics:new(1, []),
    Next = atomics:new(1, []),
    Self = self(),
    Pids = [spawn_link(fun() -> caller({Self, Kind, Phase, Next, Offset, Batch}, []) end)
        || _ <- lists:seq(1, Callers)],
    receive {mark, Owner} -> ok end,
    Start = erlang:monotonic_time(),
    atomics:put(Phase, 1, 1),
    Owner ! {self(), marked},
    receive {finish, Owner} -> ok end,
    atomics:put(Phase, 1, 2),
    Seconds = seconds(erlang:monotonic_time() - Start),
    Samples = lists:append([receive {Pid, Each} -> Each end || Pid <- Pids]),
    Rate = length(Samples) * Batch / Seconds,
    Owner ! {self(), {Samples, Rate, {Offset, Offset + atomics:get(Next, 1)}}}.

caller({Driver, Kind, Phase, Next, Offset, Batch} = Caller, Samples) ->
    case atomics:get(Phase, 1) of
        2 ->
            Driver ! {self(), Samples};
        _ ->
            First = Offset + atomics:add_get(Next, 1, Batch) - Batch,
            %% What a delete ends was written just before; only the delete is timed.
            Kind =:= delete andalso write(First, Batch),
            Start = erlang:monotonic_time(),
            case Kind of
                set -> write(First, Batch);
                insertNew -> true = insert_new(First);
                delete -> delete(First)
            end,
            End = erlang:monotonic_time(),
            Kept = case atomics:get(Phase, 1) of
                1 -> [End - Start | Samples];
                _ -> Samples
            end,
            caller(Caller, Kept)
    end.

%% sync_dirty returns when every copy has the row; so does sync_transaction, all or nothing.
write(Index, 1) ->
    ok = mnesia:sync_dirty(fun() -> mnesia:write(row(Index)) end);
write(First, Batch) ->
    Rows = [row(Index) || Index <- lists:seq(First, First + Batch - 1)],
    {atomic, ok} = mnesia:sync_transaction(fun() -> lists:foreach(fun mnesia:write/1, Rows) end).

insert_new(Index) ->
    {atomic, IsNew} = mnesia:transaction(fun() ->
        case mnesia:wread({session, key(Index)}) of
            [] -> mnesia:write(row(Index)), true;
            _ -> false
        end
    end),
    IsNew.

delete(Index) ->
    ok = mnesia:sync_dirty(fun() -> mnesia:delete({session, key(Index)}) end).

percentiles([]) ->
    [{p50, 0}, {p99, 0}, {max, 0}];
percentiles(Samples) ->
    Sorted = list_to_tuple(lists:sort(Samples)),
    Size = tuple_size(Sorted),
    At = fun(Share) -> micros(element(max(1, ceil(Size * Share)), Sorted)) end,
    [{p50, At(0.5)}, {p99, At(0.99)}, {max, At(1)}].

%% Readers -------------------------------------------------------------------------------------

%% Calls in a row for some time; the keys are made while reading, as a server has to.
read_rate(Kind, Rows, Milliseconds) ->
    Start = erlang:monotonic_time(),
    End = Start + erlang:convert_time_unit(Milliseconds, millisecond, native),
    Calls = read_until(Kind, Rows, End, 0, 1),
    Calls / seconds(erlang:monotonic_time() - Start).

read_until(Kind, Rows, End, Calls, Seed) ->
    Last = read_block(Kind, Rows, Seed, 1000),
    case erlang:monotonic_time() >= End of
        true -> Calls + 1000;
        false -> read_until(Kind, Rows, End, Calls + 1000, Last)
    end.

read_block(_, _, Seed, 0) -> Seed;
read_block(Kind, Rows, Seed, Left) ->
    read(Kind, Seed rem Rows),
    read_block(Kind, Rows, (Seed * 1103515245 + 12345) band 16#7fffffff, Left - 1).

read(keys, Index) -> key(Index);
read(ets, Index) -> [_] = ets:lookup(session, key(Index));
read(mnesia, Index) -> [_] = mnesia:dirty_read(session, key(Index));
read(miss, Index) -> [] = ets:lookup(session, {<<"example.net">>, user(Index), <<"phone0">>});
read(scan, Index) ->
    Pattern = #session{key = {<<"example.com">>, user(Index), '_'}, _ = '_'},
    [_ | _] = ets:match_object(session, Pattern).

%% Joining -------------------------------------------------------------------------------------

%% Copies the table to a node that has none, while one writer keeps writing with 1 ms pauses.
join(Node) ->
    pong = net_adm:ping(Node),
    ok = erpc:call(Node, ?MODULE, start_mnesia, [], ?CALL_LIMIT_MS),
    {ok, _} = mnesia:change_config(extra_db_nodes, [Node]),
    Self = self(),
    Writer = spawn_link(fun() -> probe(Self, 900000000, erlang:monotonic_time(), 0) end),
    timer:sleep(200),
    Before = socket_bytes(Node, [send_oct]),
    Start = erlang:monotonic_time(),
    {atomic, ok} = mnesia:add_table_copy(session, Node, ram_copies),
    Millis = seconds(erlang:monotonic_time() - Start) * 1000,
    Sent = socket_bytes(Node, [send_oct]) - Before,
    timer:sleep(200),
    Writer ! stop,
    Stall = receive {Writer, Longest} -> Longest end,
    Here = digest(),
    There = erpc:call(Node, ?MODULE, digest, [], ?CALL_LIMIT_MS),
    [{ms, Millis}, {stallMs, micros(Stall) / 1000}, {bytes, Sent},
        {size, element(1, Here)}, {equal, Here =:= There}].

%% The stall is the time from when a write was due, 1 ms after the last one, to its end.
probe(Owner, Index, Last, Longest) ->
    receive
        stop -> Owner ! {self(), Longest}
    after 1 ->
        write(Index, 1),
        Now = erlang:monotonic_time(),
        Due = Last + erlang:convert_time_unit(1, millisecond, native),
        probe(Owner, Index + 1, Now, max(Longest, Now - Due))
    end.

socket_bytes(Node, Fields) ->
    {_, Socket} = lists:keyfind(Node, 1, erlang:system_info(dist_ctrl)),
    {ok, Counts} = inet:getstat(Socket, Fields),
    lists:sum([Bytes || {_, Bytes} <- Counts]).

%% Units and JSON ------------------------------------------------------------------------------

seconds(Native) -> erlang:convert_time_unit(Native, native, nanosecond) / 1.0e9.

micros(Native) -> erlang:convert_time_unit(Native, native, nanosecond) / 1000.

json(Fields) ->
    [${, lists:join($,, [[$", atom_to_list(Name), "\":", value(Value)]
        || {Name, Value} <- Fields]), $}].

value(true) -> "true";
value(false) -> "false";
value(Value) when is_integer(Value) -> integer_to_list(Value);
value(Value) when is_float(Value) -> io_lib:format("~.3f", [Value]);
value(Value) when is_binary(Value) -> [$", [escape(Char) || <<Char>> <= Value], $"].

escape($") -> "\\\"";
escape($\\) -> "\\\\";
escape(Char) when Char < 32 -> $\s;
escape(Char) -> Char.
