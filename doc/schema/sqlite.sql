-- 1 stores
create table if not exists skein_store (
  id integer primary key autoincrement,
  host text not null,
  store text not null,
  kind text not null,
  unique (host, store)
);

create table if not exists skein_item (
  store_id smallint not null,
  user_name text not null,
  item_key text not null,
  value text not null,
  primary key (store_id, user_name, item_key)
);

create index if not exists skein_item_by_key on skein_item (store_id, item_key, user_name);

create table if not exists skein_archive (
  sort_id integer primary key autoincrement,
  store_id smallint not null,
  user_name text not null,
  item_key text not null,
  at_us bigint not null,
  peer text not null,
  value text not null,
  unique (store_id, user_name, item_key)
);

create index if not exists skein_archive_in_order on skein_archive (store_id, user_name, sort_id);

create index if not exists skein_archive_by_time on skein_archive (store_id, user_name, at_us);

create index if not exists skein_archive_by_peer on skein_archive (store_id, user_name, peer, at_us);

create table if not exists skein_lease (
  name text not null,
  holder text not null,
  expires_us bigint not null,
  primary key (name)
);

-- 2 messages
create table if not exists skein_mam_archive (
  id integer primary key autoincrement,
  kind text not null,
  server text not null,
  name text not null,
  removed_us bigint,
  unique (kind, server, name)
);

create table if not exists skein_mam_message (
  archive_id bigint not null,
  id bigint not null,
  remote_bare text not null,
  remote_res text not null,
  from_jid text not null,
  direction text not null,
  is_groupchat smallint not null,
  origin_id text,
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
  nick text not null,
  sender text not null,
  origin_id text,
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
  remote_jid text not null,
  behaviour text not null,
  primary key (archive_id, remote_jid)
);

-- 3 rosters
create table if not exists skein_roster_owner (
  id integer primary key autoincrement,
  server text not null,
  name text not null,
  version bigint not null,
  floor_version bigint not null,
  unique (server, name)
);

create table if not exists skein_roster_item (
  roster_id bigint not null,
  jid text not null,
  nick text not null,
  subscription text not null,
  ask text not null,
  ask_message text,
  preapproved smallint not null,
  group_list text not null,
  version bigint not null,
  primary key (roster_id, jid)
);

create index if not exists skein_roster_item_version on skein_roster_item (roster_id, version);
