-- 1 stores
create table if not exists skein_store (
  id smallint generated always as identity,
  host text collate "C" not null,
  store text collate "C" not null,
  kind text collate "C" not null,
  primary key (id),
  unique (host, store)
);

create table if not exists skein_item (
  store_id smallint not null,
  user_name text collate "C" not null,
  item_key text collate "C" not null,
  value text not null,
  primary key (store_id, user_name, item_key)
);

create index if not exists skein_item_by_key on skein_item (store_id, item_key, user_name);

create table if not exists skein_archive (
  sort_id bigint generated always as identity,
  store_id smallint not null,
  user_name text collate "C" not null,
  item_key text collate "C" not null,
  at_us bigint not null,
  peer text collate "C" not null,
  value text not null,
  primary key (sort_id),
  unique (store_id, user_name, item_key)
);

create index if not exists skein_archive_in_order on skein_archive (store_id, user_name, sort_id);

create index if not exists skein_archive_by_time on skein_archive (store_id, user_name, at_us);

create index if not exists skein_archive_by_peer on skein_archive (store_id, user_name, peer, at_us);

create table if not exists skein_lease (
  name text collate "C" not null,
  holder text collate "C" not null,
  expires_us bigint not null,
  primary key (name)
);

-- 2 messages
create table if not exists skein_mam_archive (
  id bigint generated always as identity,
  kind text collate "C" not null,
  server text collate "C" not null,
  name text collate "C" not null,
  removed_us bigint,
  primary key (id),
  unique (kind, server, name)
);

create table if not exists skein_mam_message (
  archive_id bigint not null,
  id bigint not null,
  remote_bare text collate "C" not null,
  remote_res text collate "C" not null,
  from_jid text collate "C" not null,
  direction text collate "C" not null,
  is_groupchat smallint not null,
  origin_id text collate "C",
  message text not null,
  search_body text,
  retracted_us bigint,
  primary key (archive_id, id)
);

create index if not exists skein_mam_message_remote on skein_mam_message (archive_id, remote_bare, id);

create index if not exists skein_mam_message_origin on skein_mam_message (archive_id, remote_bare, origin_id);

create table if not exists skein_mam_muc_message (
  archive_id bigint not null,
  id bigint not null,
  nick text collate "C" not null,
  sender text collate "C" not null,
  origin_id text collate "C",
  message text not null,
  search_body text,
  retracted_us bigint,
  primary key (archive_id, id)
);

create index if not exists skein_mam_muc_message_nick on skein_mam_muc_message (archive_id, nick, id);

create index if not exists skein_mam_muc_message_origin on skein_mam_muc_message (archive_id, sender, origin_id);

create index if not exists skein_mam_muc_message_sender on skein_mam_muc_message (sender, archive_id, id);

create table if not exists skein_mam_pref (
  archive_id bigint not null,
  remote_jid text collate "C" not null,
  behaviour text collate "C" not null,
  primary key (archive_id, remote_jid)
);

do $$ begin
  create extension if not exists pg_trgm;
  create index if not exists skein_mam_message_search on skein_mam_message
    using gin (search_body gin_trgm_ops) where search_body is not null;
  create index if not exists skein_mam_muc_message_search on skein_mam_muc_message
    using gin (search_body gin_trgm_ops) where search_body is not null;
exception when insufficient_privilege or undefined_file or feature_not_supported or undefined_object then
  raise notice 'text search goes without an index: %', sqlerrm;
end $$;

-- 3 rosters
create table if not exists skein_roster_owner (
  id bigint generated always as identity,
  server text collate "C" not null,
  name text collate "C" not null,
  version bigint not null,
  floor_version bigint not null,
  primary key (id),
  unique (server, name)
);

create table if not exists skein_roster_item (
  roster_id bigint not null,
  jid text collate "C" not null,
  nick text collate "C" not null,
  subscription text collate "C" not null,
  ask text collate "C" not null,
  ask_message text,
  preapproved smallint not null,
  group_list text not null,
  version bigint not null,
  primary key (roster_id, jid)
);

create index if not exists skein_roster_item_version on skein_roster_item (roster_id, version);
