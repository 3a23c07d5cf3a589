-- 1 stores
create table if not exists skein_store (
  id smallint not null auto_increment,
  host varbinary(255) not null,
  store varbinary(100) not null,
  kind varbinary(16) not null,
  primary key (id),
  unique (host, store)
) engine = InnoDB character set utf8mb4 collate utf8mb4_bin;

create table if not exists skein_item (
  store_id smallint not null,
  user_name varbinary(1023) not null,
  item_key varbinary(1023) not null,
  value longtext not null,
  primary key (store_id, user_name, item_key)
) engine = InnoDB character set utf8mb4 collate utf8mb4_bin;

create index skein_item_by_key on skein_item (store_id, item_key, user_name);

create table if not exists skein_archive (
  sort_id bigint not null auto_increment,
  store_id smallint not null,
  user_name varbinary(1023) not null,
  item_key varbinary(1023) not null,
  at_us bigint not null,
  peer varbinary(1023) not null,
  value longtext not null,
  primary key (sort_id),
  unique (store_id, user_name, item_key)
) engine = InnoDB character set utf8mb4 collate utf8mb4_bin;

create index skein_archive_in_order on skein_archive (store_id, user_name, sort_id);

create index skein_archive_by_time on skein_archive (store_id, user_name, at_us);

create index skein_archive_by_peer on skein_archive (store_id, user_name, peer, at_us);

create table if not exists skein_lease (
  name varbinary(1023) not null,
  holder varbinary(1023) not null,
  expires_us bigint not null,
  primary key (name)
) engine = InnoDB character set utf8mb4 collate utf8mb4_bin;

-- 2 messages
create table if not exists skein_mam_archive (
  id bigint not null auto_increment,
  kind varbinary(1) not null,
  server varbinary(255) not null,
  name varbinary(1023) not null,
  removed_us bigint,
  primary key (id),
  unique (kind, server, name)
) engine = InnoDB character set utf8mb4 collate utf8mb4_bin;

create table if not exists skein_mam_message (
  archive_id bigint not null,
  id bigint not null,
  remote_bare varbinary(2047) not null,
  remote_res varbinary(1023) not null,
  from_jid varbinary(3071) not null,
  direction varbinary(1) not null,
  is_groupchat smallint not null,
  origin_id varbinary(512),
  message longtext not null,
  search_body longtext,
  retracted_us bigint,
  primary key (archive_id, id)
) engine = InnoDB character set utf8mb4 collate utf8mb4_bin;

create index skein_mam_message_remote on skein_mam_message (archive_id, remote_bare, id);

create index skein_mam_message_origin on skein_mam_message (archive_id, remote_bare, origin_id);

create table if not exists skein_mam_muc_message (
  archive_id bigint not null,
  id bigint not null,
  nick varbinary(1023) not null,
  sender varbinary(2047) not null,
  origin_id varbinary(512),
  message longtext not null,
  search_body longtext,
  retracted_us bigint,
  primary key (archive_id, id)
) engine = InnoDB character set utf8mb4 collate utf8mb4_bin;

create index skein_mam_muc_message_nick on skein_mam_muc_message (archive_id, nick, id);

create index skein_mam_muc_message_origin on skein_mam_muc_message (archive_id, sender, origin_id);

create index skein_mam_muc_message_sender on skein_mam_muc_message (sender, archive_id, id);

create table if not exists skein_mam_pref (
  archive_id bigint not null,
  remote_jid varbinary(2047) not null,
  behaviour varbinary(1) not null,
  primary key (archive_id, remote_jid)
) engine = InnoDB character set utf8mb4 collate utf8mb4_bin;

-- 3 rosters
create table if not exists skein_roster_owner (
  id bigint not null auto_increment,
  server varbinary(255) not null,
  name varbinary(1023) not null,
  version bigint not null,
  floor_version bigint not null,
  primary key (id),
  unique (server, name)
) engine = InnoDB character set utf8mb4 collate utf8mb4_bin;

create table if not exists skein_roster_item (
  roster_id bigint not null,
  jid varbinary(2047) not null,
  nick varbinary(1023) not null,
  subscription varbinary(1) not null,
  ask varbinary(1) not null,
  ask_message longtext,
  preapproved smallint not null,
  group_list longtext not null,
  version bigint not null,
  primary key (roster_id, jid)
) engine = InnoDB character set utf8mb4 collate utf8mb4_bin;

create index skein_roster_item_version on skein_roster_item (roster_id, version);
